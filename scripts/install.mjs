import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { dependenciesAreInstalled, root, stampDependencies } from './dependencies.mjs'

/**
 * Makes node_modules fit package-lock.json. Two of these at once are safe, and an install that was killed is done
 * again by the next. Throws an Error whose message tells the reader what to do.
 */
export async function installDependencies() {
  if (dependenciesAreInstalled()) return
  const began = Date.now()
  console.error('Installing the packages of package-lock.json (npm ci) …')
  const progress = setInterval(() => console.error(`… still installing (${seconds(began)} s)`), 10_000)
  const { code, output } = await runNpm().finally(() => clearInterval(progress))
  if (code !== 0) throw new Error(failure(code, output))
  stampDependencies()
  console.error(`Packages installed in ${seconds(began)} s.`)
}

const seconds = (since) => Math.round((Date.now() - since) / 1000)

function runNpm() {
  const preload = new URL('./install-lock.mjs', import.meta.url).href
  const flags = [
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const npm = spawn(process.execPath, ['--import', preload, npmProgram(), 'ci', ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  npm.stdout.on('data', (chunk) => (output += chunk))
  npm.stderr.on('data', (chunk) => {
    output += chunk
    process.stderr.write(chunk)
  })
  return new Promise((resolve, reject) => {
    const endOnSignals = forwardSignals(npm)
    npm.on('error', reject)
    npm.on('close', (code, signal) => {
      endOnSignals()
      resolve({ code: code ?? signal, output })
    })
  })
}

/** Passes signals on to npm; the returned function, for when npm has ended, lets this process die of them too. */
function forwardSignals(npm) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  let received
  const forward = (signal) => {
    received = signal
    npm.kill(signal)
  }
  for (const signal of signals) process.on(signal, forward)
  return () => {
    for (const signal of signals) process.off(signal, forward)
    if (received) process.kill(process.pid, received)
  }
}

/** npm's JavaScript entry: the npm that started us, the one beside this Node, or the first on the PATH. */
function npmProgram() {
  const beside = dirname(process.execPath)
  const candidates = [
    process.env.npm_execpath,
    join(beside, '../lib/node_modules/npm/bin/npm-cli.js'),
    join(beside, 'node_modules/npm/bin/npm-cli.js'),
    ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm')),
  ]
  for (const candidate of candidates) {
    const file = candidate && existsSync(candidate) && realpathSync(candidate)
    if (file?.endsWith('npm-cli.js')) return file
  }
  throw new Error(
    'npm was not found. Install Node.js 20 or newer together with npm, or run `npm ci` yourself.',
  )
}

function failure(code, output) {
  return [
    `npm ci failed (exit ${code}), so the packages are not complete.`,
    ...(/EACCES|EROFS/.test(output) ? [`${root} must be writable.`] : []),
    ...(/ENOTFOUND|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN/.test(output)
      ? ['The npm registry was not reached: check the network, or `npm config get registry`.']
      : []),
    'Run the same command again when that is repaired; nothing else is lost.',
  ].join('\n')
}
