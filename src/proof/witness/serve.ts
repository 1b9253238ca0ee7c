import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { keepSecret } from '../../data/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { COSIGNATURE, type Signer, signerFromSeed, verifierKey } from '../evidence/checkpoint.ts'
import { openWitness, type Witness } from './witness.ts'

/** A witness that listens. */
export interface ServedWitness {
  /** Its verifier key, for those who are to believe it. */
  key: string
  close(): Promise<void>
}

/** More than the largest request: 63 hashes and a checkpoint with some signatures. */
const MOST_BYTES = 65_536

/**
 * Serves a witness at `listen` (`unix:<socket>` or `<host>:<port>`). Its key is in `folder`, made when it is missing, with
 * the public one beside it in `witness-key.pub`. `logKeyFiles`: the verifier keys of the logs that it watches, one a file,
 * read at each request, so that a log may begin later. It needs nothing of the deployment that it watches.
 */
export async function serveWitness(options: {
  folder: string
  listen: string
  name: string
  logKeyFiles: readonly string[]
  clock: Clock
}): Promise<ServedWitness> {
  const { folder, listen, name, logKeyFiles, clock } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const signer = signerFromSeed(name, Buffer.from(keepSecret(folder, 'witness-key'), 'hex'))
  const key = publishKey(folder, signer)
  const logKeys = () =>
    logKeyFiles.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8').trim())
  const witness = openWitness({ folder, signer, logKeys, clock })
  const server = createServer((request, response) => {
    answer(witness, request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end()
    })
  })
  if (listen.startsWith('unix:')) {
    const path = listen.slice('unix:'.length)
    const draft = `${path}.${process.pid}`
    rmSync(draft, { force: true })
    server.listen(draft)
    await once(server, 'listening')
    renameSync(draft, path)
  } else {
    const [host, port] = listen.split(/:(?=\d+$)/)
    server.listen(Number(port), host)
    await once(server, 'listening')
  }
  return {
    key,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

function publishKey(folder: string, signer: Signer): string {
  const key = verifierKey(signer, COSIGNATURE)
  const file = join(folder, 'witness-key.pub')
  writeFileSync(`${file}.draft`, `${key}\n`, { flush: true })
  renameSync(`${file}.draft`, file)
  return key
}

async function answer(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/add-checkpoint')
    return void response.writeHead(404).end('There is add-checkpoint alone (c2sp.org/tlog-witness).\n')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) return void response.writeHead(413).end()
    chunks.push(chunk)
  }
  const { status, type, body } = witness.addCheckpoint(Buffer.concat(chunks).toString())
  response.writeHead(status, { 'content-type': type }).end(body)
}
