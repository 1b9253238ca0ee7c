/** A program with its arguments, and all of its environment. */
export interface Command {
  program: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
}

/** What one process may use. */
export interface Confinement {
  /** Files and folders of code that it may read. */
  code: readonly string[]
  /** The folder in which it may write. */
  temporary: string
  /** MB of JavaScript's heap. */
  memory: number
  /** Milliseconds. */
  timeout: number
}

/** What stands between a worker and everything that is not its own. Tests and probes leave one out. */
export interface Walls {
  /** Options of Node's own permission model. */
  permissions(confinement: Confinement): string[]
  /** Puts the command into namespaces of its own; null where only Node's permissions hold it. */
  kernel: ((confinement: Confinement, command: Command) => Command) | null
}

/** MB that Node takes beside its heap, most of them reserved and never touched. */
const BESIDE_HEAP = 768
/** Bytes that one file may have, and all of a worker's files in memory together. */
export const LARGEST_FILE = 64 * 1_048_576
const MOST_OPEN_FILES = 128

/** The same command with limits that the kernel keeps, which its children inherit. Node cannot set them, the shell can. */
export function limited({ memory, timeout }: Confinement, { program, args, env }: Command): Command {
  if (process.platform === 'win32') return { program, args, env }
  const limits = [
    'ulimit -c 0',
    `ulimit -t ${Math.ceil(timeout / 1_000) + 1}`,
    `ulimit -f ${LARGEST_FILE / 512}`,
    `ulimit -d ${(memory + BESIDE_HEAP) * 1_024}`,
    `ulimit -n ${MOST_OPEN_FILES}`,
  ]
  return { program: '/bin/sh', args: ['-c', `${limits.join('; ')}; exec "$@"`, 'sh', program, ...args], env }
}
