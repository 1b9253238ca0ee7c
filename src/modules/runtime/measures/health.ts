import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SqlAddress } from '../../../data/sql.ts'
import { buildOf } from '../../../kernel/build.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { StartTrial, Trial } from '../trial.ts'

/** CAST-58. The database is taken away from a second process of this deployment, not from the running one. */
export function health(startTrial: StartTrial, address: SqlAddress, release: string): Measure {
  return measure({
    key: 'health',
    sources: ['CAST-58'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.16'] },
    claim: {
      de: () =>
        'Endpunkte für die Überwachung melden, ob der Dienst bereit ist und welcher Stand läuft, und verraten sonst nichts.',
      en: () =>
        'Health endpoints tell monitoring whether the service is ready and which build runs, and nothing else.',
    },
    async prove({ check, positiveControl, notObservable }) {
      const { host = '', port = 5432 } = address
      if (!host.startsWith('/'))
        notObservable('DATABASE_BY_TCP', 'Its certificate does not name the relay that the probe would use.')
      const relay = await openRelay(`${host}/.s.PGSQL.${port}`)
      try {
        const trial = await startTrial({ SURETY_STORES__HOST: relay.folder, SURETY_STORES__PORT: '5432' })
        try {
          positiveControl('the process reaches its database through the relay', true, relay.used())
          check('ready, with all stores there', answer(200, 'ready'), await trial.get('/readyz').then(plain))
          await relay.cut()
          check('ready, without the database', answer(503, 'not-ready'), await settled(trial, 503))
          check('alive, without the database', alive(release), await trial.get('/healthz').then(plain))
          await relay.mend()
          check('ready, with the database back', answer(200, 'ready'), await settled(trial, 200))
        } finally {
          await trial.stop()
        }
      } finally {
        await relay.close()
      }
    },
  })
}

/** The whole body is compared: anything more in it, such as the version of a library, is red. */
const answer = (status: number, word: string) => ({ status, body: JSON.stringify({ status: word }) })

const alive = (release: string) => ({
  status: 200,
  body: JSON.stringify({ status: 'ok', build: buildOf(release) }),
})

const plain = (seen: Awaited<ReturnType<Trial['get']>>) =>
  seen === 'refused' ? seen : { status: seen.status, body: seen.body }

async function settled(trial: Trial, status: number): Promise<unknown> {
  for (let left = 50; ; left--) {
    const seen = plain(await trial.get('/readyz'))
    if (left === 0 || (seen !== 'refused' && seen.status === status)) return seen
    await sleep(100)
  }
}

/** A socket that leads to the database until it is cut. */
async function openRelay(target: string) {
  const folder = await mkdtemp(join(tmpdir(), 'surety-relay-'))
  const sockets = new Set<Socket>()
  let used = false
  const server = createServer((near) => {
    used = true
    const far = connect(target)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  const open = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(join(folder, '.s.PGSQL.5432'), resolve)
    })
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    })
  await open()
  return {
    folder,
    used: () => used,
    cut,
    mend: open,
    async close() {
      if (server.listening) await cut()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
