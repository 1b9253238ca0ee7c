import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { root } from './dependencies.mjs'
import { installDependencies } from './install.mjs'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** A second Ctrl-C later than this after the first is meant, and ends the child at once. */
const MEANT_AGAIN_MS = 2_000
const PARENT_CHECK_MS = 500

/**
 * Installs what is missing, then runs `args` with the pinned Node and ends with its exit code (128 + n for a signal).
 * Signals are passed on. The child has an IPC channel: it ends itself when this process is gone ('disconnect').
 */
export async function launch(args) {
  const parent = process.ppid
  try {
    await installDependencies()
    const child = spawn(pinnedNode(), args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
    forwardSignals(child)
    endWithParent(parent, child)
    process.exitCode = await exitCode(child)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

/** The package itself rather than its link in node_modules/.bin, which npm 9 removes with the packages of other platforms. */
function pinnedNode() {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const pinned = Object.keys(optionalDependencies)
    .map((name) => join(root, 'node_modules', name, file))
    .find((path) => existsSync(path))
  if (pinned) return pinned
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Error(
    [
      `There is no pinned Node 24 in node_modules for ${process.platform}-${process.arch}.`,
      'If the packages were installed without optional ones, remove node_modules and run this again;',
      'else install Node 24 yourself.',
    ].join('\n'),
  )
}

function forwardSignals(child) {
  let first = 0
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const again = first > 0 && Date.now() - first > MEANT_AGAIN_MS
      first ||= Date.now()
      child.kill(again ? 'SIGKILL' : signal)
    })
  }
}

/** npm killed by `kill -9` cannot pass a signal on; its script then belongs to another parent. */
function endWithParent(parent, child) {
  if (!process.env.npm_lifecycle_event) return
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    child.kill('SIGTERM')
  }, PARENT_CHECK_MS)
  check.unref()
}

function exitCode(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}
