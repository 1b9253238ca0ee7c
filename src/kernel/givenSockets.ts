import { fstatSync } from 'node:fs'

type Environment = Record<string, string | undefined>

/** The variable by which `surety up` names the descriptors that it hands on, such as `4,5`. */
export const GIVEN_SOCKETS = 'SURETY_SOCKETS'

/**
 * Descriptors of sockets that somebody else bound for this process, for HTTPS and for HTTP: `surety up`, or systemd
 * (sd_listen_fds(3)). They outlive the process, so that its successor refuses nobody. Undefined: it binds its own.
 */
export function givenSockets(environment: Environment): readonly [number, number] | undefined {
  const [secure, plain] = descriptors(environment)
  return isSocket(secure) && isSocket(plain) ? [secure, plain] : undefined
}

function descriptors({ [GIVEN_SOCKETS]: named, LISTEN_PID, LISTEN_FDS }: Environment): number[] {
  if (named) return named.split(',').map(Number)
  // Variables that were inherited speak of somebody else's sockets.
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 2 ? [3, 4] : []
}

const isSocket = (fd: number | undefined): fd is number => fd !== undefined && fstatSync(fd).isSocket()
