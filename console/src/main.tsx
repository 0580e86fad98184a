import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { Refused } from './api.ts'
import { App } from './app.tsx'
import { SettingsProvider } from './settings.tsx'
// oxlint-disable-next-line import/no-unassigned-import -- A style sheet has no name.
import './styles.css'
// oxlint-disable-next-line import/no-unassigned-import -- As above.
import 'uplot/dist/uPlot.min.css'

/** How soon what is shown is asked for again: a person sees a change while looking. */
const everyMs = 4_000

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchInterval: everyMs,
      staleTime: 1_000,
      // What the service refuses, it refuses again; a lost answer is worth another try.
      retry: (failures, error) =>
        failures < 2 &&
        !(error instanceof Refused && error.problem.status < 500 && error.problem.status !== 0),
    },
  },
})

const root = document.querySelector('#root')
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <SettingsProvider>
          <App />
        </SettingsProvider>
      </QueryClientProvider>
    </StrictMode>,
  )
}
