import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Program } from '../../kernel/module.ts'

/** Where its commands are run: the root of what is installed. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** What its commands are told; everything else in them stands as it is written. */
export interface Variables {
  TENANT: string
  TARGET: string
  INSTANT: string
  FOLDER: string
}

/** A block of commands of the runbook. */
export interface Block {
  /** What stands behind `sh` at its beginning; empty when nothing does. */
  name: string
  commands: string
}

/** The blocks of shell commands in a Markdown document, in order. */
export async function readRunbook(file: string): Promise<Block[]> {
  const document = await readFile(file, 'utf8')
  return [...document.matchAll(/^```sh\b *(.*)\n([\s\S]*?)^```$/gm)].map(([, name = '', commands = '']) => ({
    name: name.trim(),
    commands,
  }))
}

/**
 * Runs commands by the shell as an operator would, with the settings of this process, until the first that fails.
 * Resolves to `done`, or to the last line of what was said.
 */
export async function follow(
  { env }: Program,
  commands: string,
  variables: Variables,
  signal?: AbortSignal,
): Promise<string> {
  const child = spawn('sh', ['-eu', '-c', commands], {
    cwd: ROOT,
    env: { ...env, ...variables, ...QUIET_NPM },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: true,
  })
  const end = () => void (child.pid && endGroup(child.pid))
  signal?.addEventListener('abort', end)
  process.once('exit', end)
  try {
    const said = text(child.stderr)
    const [code] = (await once(child, 'close')) as [number | null]
    if (code === 0) return 'done'
    return (await said).trim().split('\n').at(-1)?.slice(0, 300) || `ended with ${code}`
  } finally {
    signal?.removeEventListener('abort', end)
    process.removeListener('exit', end)
  }
}

/** npm writes no log, asks nobody for a newer npm, and adds nothing to what the command says. */
const QUIET_NPM = {
  npm_config_loglevel: 'silent',
  npm_config_logs_max: '0',
  npm_config_update_notifier: 'false',
  NO_COLOR: '1',
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM')
  } catch {
    // It has ended already.
  }
}
