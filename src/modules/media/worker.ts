import { readFileSync, realpathSync } from 'node:fs'
import { type FileHandle, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { serialize } from 'node:v8'
import { codeOf } from './code.ts'
import { type Command, type Confinement, limited, type Walls } from './confinement.ts'
import { type Ending, exchange, FIRST_HANDED } from './exchange.ts'
import { TEMPORARY } from './kernelWall.ts'
import { badAnswer, died, noSandbox, tooLong, tooMuchMemory, workerThrew } from './problems.ts'
import { sourcesIn } from './sources.ts'

/** What a worker is handed beside its input. */
export interface Given {
  /** Of each file that it was to get by its path: an open descriptor, for reading. */
  files: Readonly<Record<string, number>>
}

/** One call of a worker. */
export interface WorkerCall {
  /** The module whose default export does the work. */
  worker: URL
  input: unknown
  /** Open files by the names that the worker knows them by. */
  files: Readonly<Record<string, FileHandle>>
  /** Milliseconds. */
  timeout: number
  /** MB. */
  memory: number
  /** Folders that no worker may see. */
  secrets: readonly string[]
  signal: AbortSignal
}

const INSIDE = new URL('./inside/inside.ts', import.meta.url)
/** Bytes of an answer. */
const LONGEST_ANSWER = 16 * 1_048_576
const LONGEST_MESSAGE = 300
const NO_MEMORY = /out of memory|allocation failed|failed to allocate/i

/** Runs a worker in a process of its own behind `walls` and resolves to its answer, which is JSON of an untrusted hand. */
export async function runWorker(walls: Walls, call: WorkerCall): Promise<unknown> {
  const { timeout, memory, signal } = call
  const temporary = walls.kernel ? TEMPORARY : await mkdtemp(join(tmpdir(), 'surety-worker-'))
  try {
    const confinement = { code: codeOf(call.worker, call.secrets), temporary, memory, timeout }
    const handed = Object.values(call.files).map(({ fd }) => fd)
    const ending = await exchange(await commandFor(walls, confinement), await questionFor(call), {
      handed,
      longest: LONGEST_ANSWER,
      timeout,
      signal,
    })
    if (ending.cut === 'signal') throw signal.reason
    return answerOf(ending, call)
  } finally {
    if (!walls.kernel) await rm(temporary, { recursive: true, force: true })
  }
}

async function commandFor(walls: Walls, confinement: Confinement): Promise<Command> {
  const inside = await sourceOf(INSIDE)
  const node: Command = {
    program: process.execPath,
    args: [
      ...walls.permissions(confinement),
      `--max-old-space-size=${confinement.memory}`,
      ...['--input-type=module', '-e', inside],
    ],
    env: walls.kernel ? {} : { TMPDIR: confinement.temporary },
  }
  return limited(confinement, walls.kernel ? walls.kernel(confinement, node) : node)
}

/** JavaScript of a module of ours. */
async function sourceOf(url: URL): Promise<string> {
  const path = fileURLToPath(url)
  return (await sourcesIn(dirname(path)))[url.href] ?? readFileSync(path, 'utf8')
}

async function questionFor({ worker, input, files, timeout }: WorkerCall): Promise<Uint8Array> {
  const path = realpathSync(fileURLToPath(worker))
  return serialize({
    worker: pathToFileURL(path).href,
    sources: await sourcesIn(dirname(path)),
    input,
    timeout,
    files: Object.fromEntries(Object.keys(files).map((name, i) => [name, FIRST_HANDED + i])),
  })
}

function answerOf({ answer, how, complaint, cut }: Ending, { worker, timeout, memory }: WorkerCall): unknown {
  const name = worker.pathname.split('/').at(-1)
  if (cut === 'timeout') throw tooLong(`${name} was ended after ${timeout} ms.`)
  if (cut === 'answer') throw badAnswer(`${name} answered more than ${LONGEST_ANSWER} bytes.`)
  if (answer === '' && complaint.startsWith('bwrap: ')) throw noSandbox(complaint.trim())
  if (how !== 'exit code 0' && !NO_MEMORY.test(complaint))
    throw died(`${name} ended without an answer (${how}).`, { cause: complaint })
  const { error, answer: given } = how === 'exit code 0' ? parse(answer, name) : { error: complaint }
  if (NO_MEMORY.test(String(error))) throw tooMuchMemory(`${name} needed more than ${memory} MB.`)
  if (error !== undefined) throw workerThrew(legible(error))
  return given
}

function parse(text: string, name: string | undefined): { error?: unknown; answer?: unknown } {
  try {
    const told = JSON.parse(text)
    if (typeof told === 'object' && told !== null) return told
  } catch {
    // Said below: nothing of what it wrote is repeated.
  }
  throw badAnswer(`${name} answered something that is no JSON.`)
}

/** What a worker says of itself is somebody else's text. */
const legible = (message: unknown): string =>
  String(message)
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .slice(0, LONGEST_MESSAGE)
