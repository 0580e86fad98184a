// Whether the store knows all that the processor knows, and the word on every screen where it does not.
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'

import type { RecoveryState } from '../../src/client/recovery.ts'
import { get } from './api.ts'

export const useRecovery = () =>
  useQuery({ queryKey: ['recovery'], queryFn: () => get<RecoveryState>('/v1/recovery') })

/** On every screen, for as long as the service is closed. */
export function RecoveryBanner() {
  const { data } = useRecovery()
  if (data === undefined || data.status === 'open') return null
  return (
    <div className="banner bad" role="alert">
      <strong>
        {data.status === 'checking'
          ? 'The store is being compared with the processor'
          : 'The store knows less than the processor'}
      </strong>
      : nothing new is taken and nothing is sent.{' '}
      {data.status === 'read_only' && <Link href="/recovery">Recover it</Link>}
    </div>
  )
}
