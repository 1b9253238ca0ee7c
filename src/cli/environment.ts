import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { defineProblem } from '../kernel/problems.ts'

/** Settings as environment variables: what a process is started with. */
export type Environment = Record<string, string | undefined>

const notRunning = defineProblem({ code: 'not-running', status: 503, title: 'The platform is not running' })

/** `environment` with names that everyone knows turned into ours; ours win. */
export function withConventionalNames(environment: Environment): Environment {
  const { SHUTDOWN_TIMEOUT_MS: cap, NODE_ENV: purpose } = environment
  return {
    ...(cap === undefined ? {} : { SURETY_RUNTIME__SHUTDOWN_TIMEOUT: `${cap}ms` }),
    ...(purpose ? { SURETY_RUNTIME__ENVIRONMENT: purpose } : {}),
    ...environment,
  }
}

/** Where `surety up` keeps its data. */
export const DATA = '.data'

const FILE = join(DATA, 'environment.json')

/** Where `surety up` says which processes run. */
export const KEPT = join(DATA, 'processes.json')

/** Leaves the running platform's settings for other commands. Paths only: secrets stay in their files. */
export const saveEnvironment = (environment: Record<string, string>): void => saveState(FILE, environment)

/** Writes it whole or not at all, for this user alone. */
export function saveState(file: string, state: object): void {
  mkdirSync(DATA, { recursive: true })
  writeFileSync(`${file}.partial`, JSON.stringify(state, null, 2), { mode: 0o600 })
  renameSync(`${file}.partial`, file)
}

/** The settings of the platform that `surety up` started here, under those of this process. */
export function runningEnvironment(): Environment {
  if (process.env.SURETY_STORES__HOST) return process.env
  if (!existsSync(FILE))
    throw notRunning('Start it with `npm start`, or name its stores by SURETY_STORES__… variables.')
  return { ...z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(FILE, 'utf8'))), ...process.env }
}

/** The superuser's URL of the private Postgres that `surety up` started here, for `database`. */
export function superuserUrl(database: string): string {
  const {
    SURETY_STORES__HOST: host,
    SURETY_STORES__PORT: port,
    SURETY_STORES__SECRETS: secrets,
  } = runningEnvironment()
  const password = readFileSync(join(secrets ?? '', 'postgres-superuser'), 'utf8').trim()
  return `postgres://postgres:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(host ?? '')}&port=${port}`
}
