// Builds the back-office into the given folder, with a packed copy (RFC 7932) of each file: `node web/build.ts <folder>`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'vite'

const folder = resolve(process.argv[2] as string)
await build({
  configFile: false,
  logLevel: 'error',
  root: import.meta.dirname,
  base: '/office/',
  // The server replaces it in every answer.
  html: { cspNonce: 'CSP_NONCE' },
  build: {
    outDir: folder,
    emptyOutDir: false,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: false,
  },
})
const assets = join(folder, 'assets')
for (const name of readdirSync(assets))
  writeFileSync(join(assets, `${name}.br`), brotliCompressSync(readFileSync(join(assets, name))))
