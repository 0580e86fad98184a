// What a person has chosen for this browser: the time zone of times, and light or dark.
import {
  createContext,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react'
import type { ReactNode } from 'react'

import type { Zone } from './format.ts'

type Theme = 'auto' | 'light' | 'dark'

interface Settings {
  readonly zone: Zone
  readonly setZone: (zone: Zone) => void
  readonly theme: Theme
  readonly setTheme: (theme: Theme) => void
  /** What the theme comes to here and now; the sheet and the charts have their colours by it. */
  readonly scheme: 'light' | 'dark'
}

const Context = createContext<Settings | null>(null)

function read<T extends string>(name: string, otherwise: T, allowed: readonly T[]): T {
  try {
    const kept = localStorage.getItem(`quittance.${name}`)
    return allowed.find((each) => each === kept) ?? otherwise
  } catch {
    return otherwise // a browser that keeps nothing
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`quittance.${name}`, value)
  } catch {
    // It lasts until the page is left.
  }
}

const isDark = matchMedia('(prefers-color-scheme: dark)')

const systemScheme = () => (isDark.matches ? 'dark' : 'light')

function onSystemChange(listener: () => void): () => void {
  isDark.addEventListener('change', listener)
  return () => isDark.removeEventListener('change', listener)
}

export function SettingsProvider({ children }: { readonly children: ReactNode }) {
  const [zone, setZone] = useState(() => read<Zone>('zone', 'local', ['local', 'UTC']))
  const [theme, setTheme] = useState(() => read<Theme>('theme', 'auto', ['auto', 'light', 'dark']))
  useEffect(() => {
    keep('zone', zone)
    keep('theme', theme)
  }, [zone, theme])
  const system = useSyncExternalStore(onSystemChange, systemScheme)
  const scheme = theme === 'auto' ? system : theme
  // Before anything is painted, and before a chart reads its colours.
  useLayoutEffect(() => void (document.documentElement.dataset['scheme'] = scheme), [scheme])
  const value = useMemo(
    () => ({ zone, setZone, theme, setTheme, scheme }) as const,
    [zone, theme, scheme],
  )
  return <Context value={value}>{children}</Context>
}

export function useSettings(): Settings {
  const settings = useContext(Context)
  if (settings === null) throw new Error('outside of SettingsProvider')
  return settings
}
