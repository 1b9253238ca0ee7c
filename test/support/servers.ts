import type { RedisOptions } from 'ioredis'
import pg from 'pg'

/** A database of its own for one test. */
export interface ScratchDatabase {
  name: string
  /** Connects the superuser to it. */
  url: string
  /** Removes it, ending whatever is still connected. */
  drop(): Promise<void>
}

/** The URL of the run's Postgres: superuser, database `postgres`. */
export function testPostgresUrl(): string {
  return fromRun('SURETY_TEST_POSTGRES_URL')
}

/** How to reach the run's Redis. */
export function testRedis(): RedisOptions {
  const address = fromRun('SURETY_TEST_REDIS')
  if (address.startsWith('{')) return JSON.parse(address)
  const { hostname, port, username, password, pathname, protocol } = new URL(address)
  return {
    host: hostname,
    port: Number(port || 6379),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db: Number(pathname.slice(1) || 0),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
}

/** Creates an empty database on the run's Postgres. */
export async function createScratchDatabase(): Promise<ScratchDatabase> {
  const name = `scratch_${crypto.randomUUID().replaceAll('-', '')}`
  await administer(`CREATE DATABASE ${name} TEMPLATE template0`)
  const url = new URL(testPostgresUrl())
  url.pathname = `/${name}`
  return { name, url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: testPostgresUrl() })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function fromRun(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(
    `${name} is not set: run this file with \`npm test -- <file>\`, which starts the servers it needs.`,
  )
}
