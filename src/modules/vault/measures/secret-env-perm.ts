import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../../../kernel/module.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { findExposed, secretFiles } from '../secretFiles.ts'

/** Somebody else on the machine: `nobody`. */
const OTHER = 65_534

/** PREZ-19, CAST-20. */
export function secretEnvPerm(program: Program, folder: string): Measure {
  return measure({
    key: 'secret.env.perm',
    sources: ['PREZ-19', 'CAST-20'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.5.17'] },
    timeout: 180_000,
    claim: {
      de: () =>
        'Schlüssel und Datenbankpasswörter stehen auf dem Server in Dateien mit Modus 0600, die nur der Benutzer der Anwendung lesen kann. Mit einer offeneren Datei startet die Anwendung nicht.',
      en: () =>
        "Keys and database passwords stand in files of mode 0600 on the server, which only the application's user can read. With a more open file the application does not start.",
    },
    async prove({ check, positiveControl, signal }) {
      const files = secretFiles(folder, program.env)
      positiveControl('files of secrets are found', true, files.length > 0)
      const scratch = await mkdtemp(join(tmpdir(), 'surety-secret-'))
      try {
        // Others may pass through the folder, so that the file's own mode decides.
        await chmod(scratch, 0o711)
        const open = join(scratch, 'open')
        await writeFile(open, await readFile(files[0] as string))
        await chmod(open, 0o644)
        positiveControl('the same look at a copy of mode 0644', ['0644'], modes(findExposed([open])))
        check(
          'secrets that others may read or write, or that belong to others',
          [],
          named(findExposed(files)),
        )
        if (process.getuid?.() === 0) {
          positiveControl('another user opens the copy of mode 0644', 1, await countReadable([open], signal))
          check('secrets that another user can open', 0, await countReadable(files, signal))
        }
        const started = await start(program, open, signal)
        check('the application is started with the copy of mode 0644', 'refused', started)
      } finally {
        await rm(scratch, { recursive: true, force: true })
      }
    },
  })
}

const modes = (exposed: ReturnType<typeof findExposed>): string[] => exposed.map(({ mode }) => mode)

/** The path stays out of the public record. */
const named = (exposed: ReturnType<typeof findExposed>): string[] =>
  exposed.map(
    ({ file, mode, foreign }) => `${file.split('/').at(-1)} ${mode}${foreign ? ' of another user' : ''}`,
  )

/** Programs of the system, which another user can run wherever our own Node lies. */
const READ = 'n=0; for file; do cat -- "$file" > /dev/null 2>&1 && n=$((n+1)); done; echo $n'

/** How many of `files` a process of another user can read. Only where this process may start one. */
async function countReadable(files: readonly string[], signal: AbortSignal): Promise<number | string> {
  const { code, output } = await run('/bin/sh', ['-c', READ, 'sh', ...files], {
    uid: OTHER,
    gid: OTHER,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    signal,
  })
  return code === 0 ? Number(output) : `ended with ${code}`
}

async function start({ args, env }: Program, file: string, signal: AbortSignal): Promise<string> {
  const { code, output } = await run(process.execPath, [...args, 'serve'], {
    env: { ...env, SURETY_STORES__APP_PASSWORD_FILE_NAME: file } as NodeJS.ProcessEnv,
    signal,
  })
  return code === 1 && output.includes(`${file} has mode 0644`) ? 'refused' : `ended with ${code}`
}

/** How a program ended, and what it said. */
async function run(
  command: string,
  args: readonly string[],
  options: { uid?: number; gid?: number; cwd?: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], killSignal: 'SIGKILL' })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const [code] = await once(child, 'close')
  return { code, output }
}
