import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Walls } from '../src/modules/media/confinement.ts'
import { type MediaApi, media } from '../src/modules/media/index.ts'
import { underPermissions } from '../src/modules/media/permissions.ts'
import { runWorker } from '../src/modules/media/worker.ts'
import { testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures } from './compare.ts'

const PICTURE = new URL('../examples/festival/data/radio-elbe.svg', import.meta.url)
const WORKER = new URL('../examples/festival/picture/readPicture.ts', import.meta.url)
const PACKAGE = new URL('../node_modules/image-size/dist/esm/index.js', import.meta.url)

/** A picture's size read by a fresh process: a bare one, one under Node's permissions, and one in the sandbox. */
export async function run(print: Print): Promise<void> {
  const platform = await testPlatform([media])
  const folder = mkdtempSync(join(tmpdir(), 'bench-sandbox-'))
  try {
    const script = join(folder, 'bare.mjs')
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs'
       import { imageSize } from '${PACKAGE}'
       console.log(JSON.stringify(imageSize(readFileSync(process.argv[2]))))`,
    )
    const { run } = platform.api('media') as MediaApi
    const tenant = await platform.makeTenant('rows')
    const input = await readFile(PICTURE)
    const answer = z.object({ width: z.number() })
    const permissions: Walls = { permissions: underPermissions, kernel: null }
    const call = { worker: WORKER, input, files: {}, timeout: 10_000, memory: 128, secrets: [] }
    const signal = new AbortController().signal
    for (const clients of [1, 2])
      printFigures(
        print,
        `the size of a picture, ${clients} at a time`,
        await compare(
          {
            'bare child process': () => promisify(execFile)(process.execPath, [script, PICTURE.pathname]),
            "under Node's permissions": () => runWorker(permissions, { ...call, signal }),
            'in the sandbox': () => run(tenant, { worker: WORKER, input, answer }),
          },
          clients,
        ),
      )
  } finally {
    await platform.stop()
    rmSync(folder, { recursive: true })
  }
}
