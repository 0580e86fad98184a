// Builds the console into small files with their hash in the name. Nothing is inlined: the policy of
// the service lets no inline script or style in.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// oxlint-disable-next-line import/no-default-export -- Vite wants it so.
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
  server: { proxy: Object.fromEntries(['/v1', '/metrics', '/console/'].map(toService)) },
})

/** `vite` alone serves the sources, with the API of a running service behind them. */
function toService(path: string): [string, string] {
  return [path, 'http://127.0.0.1:4020']
}
