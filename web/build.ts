// Builds the back-office into the given folder: `node web/build.ts <folder>`.
import { resolve } from 'node:path'
import { build } from 'vite'

await build({
  configFile: false,
  logLevel: 'error',
  root: import.meta.dirname,
  base: '/office/',
  // The server replaces it in every answer.
  html: { cspNonce: 'CSP_NONCE' },
  build: {
    outDir: resolve(process.argv[2] as string),
    emptyOutDir: false,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: false,
  },
})
