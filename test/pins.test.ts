// What others see and write into their own code: pinned here as literals, never imported from where
// they are made. A change of one of these is a change for users and belongs in the CHANGELOG.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { alertKey, alertTable } from '../src/core/alerts.ts'
import { paymentFormat } from '../src/core/payment.ts'
import { normalisationVersion } from '../src/core/normalise.ts'
import { attemptId } from '../src/core/operation.ts'
import { referenceKey } from '../src/core/guards.ts'
import { rejectionTable } from '../src/core/rejections.ts'
import { states } from '../src/core/transitions.ts'
import { fingerprintOf } from '../src/http/fingerprint.ts'
import { routes } from '../src/http/routes.ts'

test('the states have these names, in this order', () => {
  assert.equal(
    states.join(' '),
    'initiated validated authorised captured settled refunded declined rejected voided expired',
  )
})

test('every problem has this code and status, in this order of precedence', () => {
  const lines = Object.entries(rejectionTable).map(([code, { status }]) => `${status} ${code}`)
  assert.deepEqual(lines, [
    '401 unauthenticated',
    '503 token_keys_unavailable',
    '403 forbidden',
    '404 not_found',
    '405 method_not_allowed',
    '413 body_too_large',
    '415 unsupported_media_type',
    '400 idempotency_key_missing',
    '400 idempotency_key_invalid',
    '400 invalid_json',
    '400 invalid_request',
    '400 card_number_refused',
    '422 idempotency_key_of_another_bill',
    '422 idempotency_key_reused',
    '429 rate_limited',
    '403 agent_suspended',
    '403 stopped',
    '400 processor_unknown',
    '400 processor_unavailable',
    '400 too_late',
    '404 payment_not_found',
    '409 retry_of_invalid',
    '409 too_many_retries',
    '409 duplicate_reference',
    '409 possible_duplicate',
    '403 mandate_expired',
    '403 mandate_payee',
    '403 mandate_payment_method',
    '403 mandate_currency',
    '403 mandate_per_payment',
    '403 mandate_per_day',
    '403 mandate_per_payee_and_day',
    '403 mandate_per_month',
    '412 version_mismatch',
    '412 mandate_changed',
    '409 not_capturable',
    '400 capture_too_large',
    '409 already_ended',
    '409 already_captured',
    '409 not_refundable',
    '409 refund_too_large',
    '409 refund_reference_reused',
    '409 too_many_refunds',
    '409 not_held_for_approval',
    '409 approval_mismatch',
    '409 not_parked',
    '409 resolve_contradicts',
    '409 illegal_transition',
    '409 no_receipt',
    '412 break_changed',
    '409 break_ended',
    '409 already_reconciling',
    '409 not_recovering',
    '409 recovery_incomplete',
    '503 processor_unreachable',
    '503 retry_same_key',
    '503 not_ready',
    '500 internal',
  ])
})

test('the routes are these', () => {
  assert.deepEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted(), [
    'DELETE /v1/callback',
    'DELETE /v1/webhook-endpoints/{endpointId}',
    'GET /.well-known/jwks.json',
    'GET /docs/errors',
    'GET /healthz',
    'GET /metrics',
    'GET /openapi.json',
    'GET /readyz',
    'GET /v1/accounts',
    'GET /v1/accounts/{accountId}',
    'GET /v1/accounts/{accountId}/mandate',
    'GET /v1/activity',
    'GET /v1/agents',
    'GET /v1/agents/{agentId}/mandate',
    'GET /v1/agents/{agentId}/tokens',
    'GET /v1/alerts',
    'GET /v1/audit',
    'GET /v1/breaks',
    'GET /v1/breaks/{breakId}',
    'GET /v1/callback',
    'GET /v1/dead-letters',
    'GET /v1/dead-letters/{paymentId}',
    'GET /v1/events',
    'GET /v1/ledger/journals',
    'GET /v1/ledger/trial-balance',
    'GET /v1/mandate',
    'GET /v1/payments',
    'GET /v1/payments/{id}',
    'GET /v1/payments/{id}/actions',
    'GET /v1/payments/{id}/events',
    'GET /v1/payments/{id}/receipt',
    'GET /v1/processors',
    'GET /v1/publishers',
    'GET /v1/publishers/{publisher}/dead-letters',
    'GET /v1/reconciliations',
    'GET /v1/reconciliations/{runId}',
    'GET /v1/recovery',
    'GET /v1/recovery/objects',
    'GET /v1/search',
    'GET /v1/settlement-files/{fileId}',
    'GET /v1/stop',
    'GET /v1/webhook-endpoints',
    'GET /v1/webhook-endpoints/{endpointId}',
    'GET /v1/webhook-endpoints/{endpointId}/deliveries',
    'PATCH /v1/webhook-endpoints/{endpointId}',
    'POST /mcp',
    'POST /v1/accounts',
    'POST /v1/accounts/{accountId}/resume',
    'POST /v1/accounts/{accountId}/suspend',
    'POST /v1/agents',
    'POST /v1/agents/{agentId}/resume',
    'POST /v1/agents/{agentId}/suspend',
    'POST /v1/agents/{agentId}/tokens',
    'POST /v1/agents/{agentId}/tokens/revoke',
    'POST /v1/agents/{agentId}/tokens/rotate',
    'POST /v1/breaks/{breakId}/investigate',
    'POST /v1/breaks/{breakId}/resolve',
    'POST /v1/breaks/{breakId}/write_off',
    'POST /v1/callback/rotate',
    'POST /v1/dead-letters/redrive',
    'POST /v1/dead-letters/{paymentId}/note',
    'POST /v1/dead-letters/{paymentId}/redrive',
    'POST /v1/dead-letters/{paymentId}/resolve',
    'POST /v1/payments',
    'POST /v1/payments/batch',
    'POST /v1/payments/{id}/approve',
    'POST /v1/payments/{id}/capture',
    'POST /v1/payments/{id}/deny',
    'POST /v1/payments/{id}/redact',
    'POST /v1/payments/{id}/refunds',
    'POST /v1/payments/{id}/void',
    'POST /v1/processors/{name}/pause',
    'POST /v1/processors/{name}/resume',
    'POST /v1/publishers/{publisher}/replay',
    'POST /v1/receipts/rotate-key',
    'POST /v1/reconciliations',
    'POST /v1/recovery/confirm',
    'POST /v1/recovery/rebuild',
    'POST /v1/sandbox/payments',
    'POST /v1/settlement-files',
    'POST /v1/settlement-files/{fileId}/lines',
    'POST /v1/start',
    'POST /v1/stop',
    'POST /v1/webhook-endpoints',
    'POST /v1/webhook-endpoints/{endpointId}/disable',
    'POST /v1/webhook-endpoints/{endpointId}/enable',
    'POST /v1/webhook-endpoints/{endpointId}/replay',
    'POST /v1/webhook-endpoints/{endpointId}/rotate',
    'POST /webhooks/{processor}',
    'PUT /v1/accounts/{accountId}/mandate',
    'PUT /v1/agents/{agentId}/mandate',
    'PUT /v1/callback',
  ])
})

test('what is stored or sent under a name keeps it: keys, attempts, fingerprints, formats', () => {
  assert.equal(attemptId('pay_01H', 'authorise', 2), 'att_01H_authorise_2')
  assert.equal(referenceKey('a/c', ' ACME  Ltd ', 'INV 1'), 'a%2Fc/inv%201/acme%20ltd')
  assert.equal(
    fingerprintOf('/v1/payments', { b: 1, a: [2, null] }),
    fingerprintOf('/v1/payments', { a: [2, null], b: 1 }),
  )
  assert.deepEqual(
    { paymentFormat, normalisationVersion },
    { paymentFormat: 1, normalisationVersion: 1 },
  )
})

test('the alerts have these kinds, and a key by which a pager ties them together', () => {
  assert.equal(
    Object.keys(alertTable).join(' '),
    'dead_letter approval_required possible_duplicate action_required processor_changed ' +
      'breaker_open processor_paused stopped store_set_back unknown_too_long payments_overdue outbox_lag ' +
      'events_put_aside webhook_disabled webhook_dead_letters corrected duplicate_object key_mismatch mismatched_answer unreadable ' +
      'replayed_first_send evidence_not_stored clock_jumped bug reconciliation_break',
  )
  assert.equal(
    alertKey({ kind: 'dead_letter', subject: 'acme.eu/1', detail: 'configuration' }),
    'dead_letter/acme%2Eeu%2F1/configuration',
  )
  assert.equal(alertKey({ kind: 'bug', subject: null, detail: '' }), 'bug')
})
