// Finding payments. The address holds the filter, so that it can be sent to somebody; the list loads
// page by page, and only the rows that are seen are in the document.
import { useInfiniteQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { FormEvent } from 'react'
import { Link, useSearch, useLocation } from 'wouter'

import type { Payment } from '../../../src/client/types.ts'
import { get, pathWith } from '../api.ts'
import type { Page } from '../api.ts'
import { count, money, words } from '../format.ts'
import { Empty, Failed, Loading, Screen, StateBadge, Time } from '../ui.tsx'

const states =
  'initiated validated authorised captured settled refunded declined rejected voided expired'.split(
    ' ',
  )
const holds =
  'approval_required possible_duplicate action_required processor_changed dead_letter'.split(' ')
const operations = 'due sent pending unknown'.split(' ')

const names = [
  'text',
  'state',
  'hold',
  'operation',
  'agent',
  'payee',
  'amount',
  'reference',
  'from',
  'to',
] as const
type Filter = Partial<Record<(typeof names)[number], string>>

function filterOf(search: string): Filter {
  const given = new URLSearchParams(search)
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given.get(name)?.trim() ?? ''
      return value === '' ? [] : [[name, value]]
    }),
  )
}

type Found = Page<Payment> & { readonly looked_at: number }

export function Payments() {
  const search = useSearch()
  const [, go] = useLocation()
  const filter = filterOf(search)
  const found = useInfiniteQuery({
    queryKey: ['search', filter],
    queryFn: ({ pageParam }) =>
      get<Found>(pathWith('/v1/search', { ...asAsked(filter), limit: 100, cursor: pageParam })),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    // Only the first pages are asked for again: a long list stays where it is while it is read.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? 4_000 : false),
  })
  const payments = found.data?.pages.flatMap(({ data }) => data) ?? []
  const { fetchNextPage, hasNextPage, isFetching } = found
  // A page may be empty although more follow: the search goes on until there is something to see.
  const isShort = payments.length < 30 && (found.data?.pages.length ?? 0) < 20
  useEffect(() => {
    if (isShort && hasNextPage && !isFetching) void fetchNextPage()
  }, [isShort, hasNextPage, isFetching, fetchNextPage])
  return (
    <Screen title="Payments" about="Newest first. The address holds the filter.">
      <FilterForm
        key={search}
        filter={filter}
        onChange={(next) => go(pathWith('/payments', next))}
      />
      {found.error !== null && <Failed error={found.error} what="The payments" />}
      {found.isPending && <Loading what="payments" />}
      {found.data !== undefined && (
        <>
          <p className="quiet" role="status">
            {count(payments.length, 'payment')}
            {hasNextPage ? ' so far; more are loaded while you scroll' : ''}
            {isFetching && !found.isPending ? ' …' : '.'}
          </p>
          {payments.length === 0 && !hasNextPage ? (
            <Empty>
              {Object.keys(filter).length === 0
                ? 'There are no payments yet. An agent makes them; the sandbox tour sends test payments.'
                : 'No payment fits this filter.'}
            </Empty>
          ) : (
            <Rows
              payments={payments}
              onEnd={() => hasNextPage && !isFetching && void fetchNextPage()}
            />
          )}
        </>
      )}
    </Screen>
  )
}

/** The fields of a form hold local time; the API wants a moment. */
const asAsked = ({ from, to, ...rest }: Filter): Filter => ({
  ...rest,
  ...moment('from', from),
  ...moment('to', to),
})

function moment(name: 'from' | 'to', local: string | undefined): Filter {
  const ms = local === undefined ? Number.NaN : Date.parse(local)
  return Number.isNaN(ms) ? {} : { [name]: new Date(ms).toISOString() }
}

const rowPx = 48

function Rows({
  payments,
  onEnd,
}: {
  readonly payments: readonly Payment[]
  readonly onEnd: () => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: payments.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    overscan: 12,
  })
  const items = rows.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= payments.length - 40) onEnd()
  })
  return (
    <div className="grid" role="table" aria-label="Payments" aria-rowcount={payments.length + 1}>
      <div role="rowgroup">
        <div className="grid-row grid-head" role="row" aria-rowindex={1}>
          {['Payment', 'Amount', 'Payee', 'Reference', 'State', 'Agent', 'Claimed'].map((head) => (
            <span key={head} role="columnheader">
              {head}
            </span>
          ))}
        </div>
      </div>
      <div className="grid-body" ref={box} role="rowgroup" tabIndex={0} aria-label="Rows">
        <div role="presentation" style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => {
            const payment = payments[index]
            if (payment === undefined) return null
            return (
              <div
                key={payment.id}
                className="grid-row"
                role="row"
                aria-rowindex={index + 2}
                style={{ height: rowPx, transform: `translateY(${start}px)` }}
              >
                <span role="cell">
                  <Link href={`/payments/${payment.id}`} className="id" title={payment.id}>
                    pay_…{payment.id.slice(-6)}
                  </Link>
                </span>
                <span role="cell" className="number">
                  {money(payment.amount, payment.currency)}
                </span>
                <span role="cell" title={payment.payee}>
                  {payment.payee}
                </span>
                <span role="cell" title={payment.reference}>
                  {payment.reference}
                </span>
                <span role="cell">
                  <StateBadge payment={payment} short />
                </span>
                <span role="cell" title={payment.agent}>
                  {payment.agent}
                </span>
                <span role="cell">
                  <Time at={payment.created_at} />
                </span>
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

function FilterForm({
  filter,
  onChange,
}: {
  readonly filter: Filter
  readonly onChange: (filter: Filter) => void
}) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const given = names.map((name) => {
      const value = form.get(name)
      return [name, typeof value === 'string' ? value.trim() : ''] as const
    })
    onChange(Object.fromEntries(given.filter(([, value]) => value !== '')))
  }
  const field = (name: (typeof names)[number], label: string, more: object = {}) => (
    <label className="field" key={name}>
      <span>{label}</span>
      <input name={name} defaultValue={filter[name]} {...more} />
    </label>
  )
  const choice = (name: (typeof names)[number], label: string, values: readonly string[]) => (
    <label className="field" key={name}>
      <span>{label}</span>
      <select name={name} defaultValue={filter[name] ?? ''}>
        <option value="">any</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {words(value)}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <form className="filter" role="search" aria-label="Payments" onSubmit={submit}>
      {field('text', 'Id, payee, reference or agent', {
        type: 'search',
        placeholder: 'any part of it',
        maxLength: 256,
      })}
      {choice('state', 'State', states)}
      {choice('hold', 'Held for', holds)}
      {choice('operation', 'Operation', operations)}
      {field('amount', 'Amount, minor units', {
        inputMode: 'numeric',
        pattern: '[0-9]{1,15}',
        placeholder: '1999',
      })}
      {field('payee', 'Payee')}
      {field('reference', 'Reference, exactly')}
      {field('agent', 'Agent')}
      {field('from', 'Claimed from', { type: 'datetime-local' })}
      {field('to', 'Claimed before', { type: 'datetime-local' })}
      <div className="filter-buttons">
        <button type="submit" className="primary">
          Find
        </button>
        <button type="button" className="plain" onClick={() => onChange({})}>
          Clear
        </button>
      </div>
    </form>
  )
}
