import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findBwrap } from '../../data/local/binaries.ts'
import { type Command, type Confinement, LARGEST_FILE } from './confinement.ts'

/** Where a worker behind this wall writes: memory of its own. */
export const TEMPORARY = '/tmp'

/** A user of no file and no process outside. */
const NOBODY = '65534'

/**
 * Namespaces of its own for mounts, processes, network, IPC and users, none of which it can leave or make anew. It has no
 * privileges, and ends with us.
 */
const NAMESPACES = [
  ...['--unshare-user', '--disable-userns', '--uid', NOBODY, '--gid', NOBODY, '--cap-drop', 'ALL'],
  ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
  '--die-with-parent',
]

/**
 * Runs `command` by bubblewrap where nothing of this machine is to be seen but Node with its libraries, the code and
 * `/dev/null`, all read-only, and an empty `/tmp`. There is no /proc: no parser needs one, and what is not there leads
 * nowhere. bubblewrap keeps its own environment in memory that its child can read, so it is given none either.
 */
export function behindKernel({ code }: Confinement, { program, args, env }: Command): Command {
  const readOnly = [...libraries(), process.execPath, ...code]
  return {
    program: bwrap(),
    args: [
      ...NAMESPACES,
      ...['--size', String(LARGEST_FILE), '--tmpfs', TEMPORARY],
      ...readOnly.flatMap((path) => ['--ro-bind', path, path]),
      ...['--dev-bind', '/dev/null', '/dev/null', '--remount-ro', '/', '--chdir', TEMPORARY, '--'],
      program,
      ...args,
    ],
    env,
  }
}

/** Why the kernel cannot confine a process here, as a sentence; null where it can. */
export async function whyNoKernelWall(): Promise<string | null> {
  if (process.platform !== 'linux') return 'Only Linux has namespaces.'
  if (!findBwrap()) return 'bubblewrap is not installed (Debian: apt install bubblewrap).'
  const confinement = { code: [], temporary: TEMPORARY, memory: 0, timeout: 0 }
  const { program, args, env } = behindKernel(confinement, {
    program: process.execPath,
    args: ['--version'],
    env: {},
  })
  try {
    await promisify(execFile)(program, args, { env, timeout: 10_000 })
    return null
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    return `bubblewrap does not work: ${(stderr?.trim() || message).slice(0, 300)}`
  }
}

const bwrap = (): string => findBwrap() ?? 'bwrap'

let known: readonly string[] | undefined

/** The shared libraries of this very program, under the names by which it asks for them. */
function libraries(): readonly string[] {
  if (known) return known
  // The report would ask the DNS for the names of all that we are connected to.
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  report.excludeNetwork = true
  const { sharedObjects } = report.getReport() as unknown as { sharedObjects: string[] }
  known = sharedObjects.filter((path) => path.startsWith('/') && !path.endsWith('.node'))
  return known
}
