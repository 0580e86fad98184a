// The words that a model reads before it pays: a part of the product, because a model that reads nothing
// else must do the right thing after a timeout. JSON Schema, so that every kind of tool can carry them.

export interface JsonSchema {
  readonly [key: string]: unknown
  readonly type: 'object'
}

const paymentId = { type: 'string', description: 'pay_… as an earlier answer names it.' }

interface ToolText {
  readonly title: string
  readonly description: string
  readonly input: JsonSchema
  /** Only looks. */
  readonly readOnly: boolean
}

// Literals alone, no calls: a bundle without tools leaves them out.
export const toolTexts = {
  pay: {
    title: 'Pay a bill once',
    description:
      'Pays one bill exactly once. Same bill, same `reference`: however often, in whatever words and ' +
      'in whatever session you call it, one bill is paid at most once, and you get its one payment. ' +
      'A timeout, a dropped connection or a cancelled call does NOT mean that it failed: the money may ' +
      'have moved. Then ask with `get_payment`, or with `find_payments` by the reference where you have ' +
      'no id; or call `pay` again with the same payee and reference. Never change the reference to get ' +
      'past an answer: that would be another bill. There is no key to invent. Every answer says ' +
      '`money_moved` (yes, no, unknown), `next_action` and `advice`: follow them. Handles (pay_…) and ' +
      'references are kept for years. Closing the stream or cancelling the call stops nothing; only ' +
      '`void_payment` voids. Never ask anybody for card numbers or passwords: none are needed.',
    input: {
      type: 'object',
      properties: {
        amount: { type: 'integer', minimum: 1, description: 'Minor units: 1999 is 19.99 EUR.' },
        currency: { type: 'string', description: 'ISO 4217 in capitals, such as EUR.' },
        payee: { type: 'string', description: 'Who is paid, as the bill names them.' },
        reference: {
          type: 'string',
          description:
            'What is paid: the number of the invoice or order, or the period of a subscription. From the ' +
            'bill, never made up for a retry.',
        },
        description: { type: 'string', description: 'For people.' },
        metadata: { type: 'object', additionalProperties: { type: 'string' } },
        processor: { type: 'string', description: 'Only where you were told its name.' },
        payment_method: { type: 'string', description: 'Only where you were told its name.' },
        capture: {
          type: 'string',
          enum: ['automatic', 'manual'],
          description: '`manual` only authorises; `capture_payment` takes the money.',
        },
        retry_of: {
          type: 'string',
          description:
            'Only where an answer about this very bill says `new_key_allowed: true`: the id of its payment ' +
            'that ended without money.',
        },
        distinct_from: {
          type: 'array',
          items: { type: 'string' },
          description:
            'Only where an answer named payments that look alike and you have two different bills in ' +
            'front of you. Needs `reason`.',
        },
        reason: {
          type: 'string',
          description: 'Why it is another bill than those of `distinct_from`.',
        },
        batch: {
          type: 'string',
          description: 'The same text for several bills that are paid in one go.',
        },
        not_after: {
          type: 'string',
          description: 'RFC 3339: nothing towards money begins after it.',
        },
      },
      required: ['amount', 'currency', 'payee', 'reference'],
      additionalProperties: false,
    },
    readOnly: false,
  },
  get_payment: {
    title: 'Look at a payment',
    description:
      'Says what a payment is now: whether money moved, and what to do next. The first thing to call ' +
      'after a timeout. It changes nothing.',
    input: {
      type: 'object',
      properties: { payment_id: paymentId },
      required: ['payment_id'],
      additionalProperties: false,
    },
    readOnly: true,
  },
  wait_for_payment: {
    title: 'Wait for a payment',
    description:
      'Waits until there is nothing to wait for, or for `seconds`, and says what the payment is then. ' +
      'Call it again while `next_action.type` is `wait`. It changes nothing; giving up waiting stops ' +
      'nothing.',
    input: {
      type: 'object',
      properties: {
        payment_id: paymentId,
        seconds: { type: 'integer', minimum: 0, maximum: 25, description: 'Default: 20.' },
      },
      required: ['payment_id'],
      additionalProperties: false,
    },
    readOnly: true,
  },
  find_payments: {
    title: 'Find payments',
    description:
      'Finds payments, newest first, where you have lost the id: by the `reference` of the bill, or ' +
      'by state. The list may lag a moment behind: not found does NOT mean not paid. Calling `pay` ' +
      'with the same payee and reference is the safe way to be sure.',
    input: {
      type: 'object',
      properties: {
        reference: {
          type: 'string',
          description: 'As on the bill; compared without regard to case and spaces.',
        },
        state: {
          type: 'string',
          enum: [
            'initiated',
            'validated',
            'authorised',
            'captured',
            'settled',
            'refunded',
            'declined',
            'rejected',
            'voided',
            'expired',
          ],
        },
        limit: { type: 'integer', minimum: 1, maximum: 100, description: 'Default: 20.' },
        cursor: { type: 'string', description: 'Goes on where the last answer ended.' },
      },
      required: [],
      additionalProperties: false,
    },
    readOnly: true,
  },
  capture_payment: {
    title: 'Take authorised money',
    description:
      'Captures a payment that was asked for with `capture: manual`, once. After a timeout call it ' +
      'again with the same arguments, or look with `get_payment`.',
    input: {
      type: 'object',
      properties: {
        payment_id: paymentId,
        amount: { type: 'integer', minimum: 1, description: 'Default: all that is authorised.' },
      },
      required: ['payment_id'],
      additionalProperties: false,
    },
    readOnly: false,
  },
  void_payment: {
    title: 'End a payment before its money moves',
    description:
      'Ends a payment without money, or says that it is too late. The only way to stop a payment; while ' +
      'something is on its way it is recorded and you are told to wait for its end.',
    input: {
      type: 'object',
      properties: {
        payment_id: paymentId,
        reason: { type: 'string', description: 'Why; kept with the payment.' },
      },
      required: ['payment_id'],
      additionalProperties: false,
    },
    readOnly: false,
  },
  check_mandate: {
    title: 'What may be spent',
    description:
      'Shows what you and your account may spend, and what is reserved, spent and left. Look before ' +
      'you promise a payment. A refusal for a limit is for a person to decide: do not split a bill to ' +
      'get below a limit.',
    input: { type: 'object', properties: {}, required: [], additionalProperties: false },
    readOnly: true,
  },
} as const satisfies Readonly<Record<string, ToolText>>

export type ToolName = keyof typeof toolTexts
