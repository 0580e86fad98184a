// An act of an operator: what it does, why (the API keeps the reason), and what came of it. Nothing is
// done by a single click.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState } from 'react'
import type { FormEvent, ReactNode } from 'react'

import { useMayAct } from './session.ts'
import { Failed, tell } from './ui.tsx'

interface Given {
  readonly reason: string
  /** A field of the dialog; empty where there is none. */
  readonly field: (name: string) => string
}

interface ActProps {
  /** What the button says. */
  readonly label: string
  /** The question of the dialog; default: the label. */
  readonly title?: string
  readonly about: ReactNode
  /** Does the API want a reason? */
  readonly reason?: boolean
  readonly tone?: 'danger' | 'primary' | 'plain'
  readonly disabled?: boolean
  readonly fields?: ReactNode
  readonly act: (given: Given) => Promise<string>
}

export function Act(props: ActProps) {
  const { label, tone = 'plain', disabled = false } = props
  const mayAct = useMayAct()
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button
        type="button"
        className={tone}
        disabled={disabled || !mayAct}
        title={mayAct ? undefined : 'A viewer only looks'}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {isOpen && <ActDialog {...props} onClose={() => setOpen(false)} />}
    </>
  )
}

function ActDialog({
  label,
  title = label,
  about,
  reason = true,
  tone = 'primary',
  fields,
  act,
  onClose,
}: ActProps & { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const client = useQueryClient()
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const id = useId()
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal()
  }, [])
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const field = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    setBusy(true)
    try {
      tell(await act({ reason: field('reason'), field }))
      onClose()
    } catch (caught) {
      setError(caught)
      setBusy(false)
    }
    await client.invalidateQueries()
  }
  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={`${id}-title`}>{title}</h2>
        <div className="dialog-about">{about}</div>
        {fields}
        {reason && (
          <label className="field">
            <span>Reason</span>
            <textarea
              name="reason"
              required
              maxLength={500}
              rows={3}
              aria-describedby={`${id}-kept`}
            />
            <small id={`${id}-kept`}>Kept with your name; everybody who looks can read it.</small>
          </label>
        )}
        {error !== null && <Failed error={error} what={label} />}
        <div className="dialog-buttons">
          <button type="button" className="plain" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={tone === 'plain' ? 'primary' : tone} disabled={isBusy}>
            {isBusy ? 'Asking …' : label}
          </button>
        </div>
      </form>
    </dialog>
  )
}
