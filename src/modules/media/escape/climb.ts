import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Aims, Ways } from './breakOut.ts'

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Takes away again what it mounted. */
const MOUNT = 'at=$(mktemp -d); mount --bind "$1" "$at" && cat "$at"/*; umount "$at"; rmdir "$at"'

/** Ways to the other tenant's file by other programs, threads and namespaces. */
export function waysToClimb({ target, server, confined }: Aims): Ways {
  const proc = `/proc/${server.pid}`
  return {
    'a child process': () => run('cat', target),
    'a worker thread': () => inThread(target),
    "Node's internal binding": () => internal().readFileUtf8(target, 0),
    'a user namespace of its own': () => run('unshare', '--user', 'echo', 'reached'),
    'a mount namespace of its own': () =>
      run(
        'unshare',
        '--user',
        '--map-root-user',
        '--mount',
        'sh',
        '-c',
        `mount -t proc p /mnt; cat '${target}'`,
      ),
    'the namespaces of the server': () =>
      run('nsenter', '--target', String(server.pid), '--mount', 'cat', target),
    'the namespaces of the first process': () => run('nsenter', '--target', '1', '--mount', 'cat', target),
    'the root of the server as its own': () => run('chroot', `${proc}/root`, 'cat', target),
    ...(confined && { 'mounting its folder': () => run('sh', '-c', MOUNT, 'sh', join(target, '..')) }),
  }
}

/** Throws when it could not be run, or did not end well. */
function run(program: string, ...args: string[]): string {
  const { stdout, status, error } = spawnSync(program, args, {
    env: { PATH },
    encoding: 'utf8',
    timeout: 10_000,
  })
  if (error ?? (status !== 0 || stdout === '')) throw error ?? new Error(`${program} ended with ${status}`)
  return stdout
}

function inThread(target: string): Promise<string> {
  const source = `require('worker_threads').parentPort.postMessage(require('fs').readFileSync(${JSON.stringify(target)}, 'utf8'))`
  return new Promise((resolve, reject) => {
    new Worker(source, { eval: true, execArgv: [] }).once('message', resolve).once('error', reject)
  })
}

function internal(): { readFileUtf8(path: string, flags: number): string } {
  return (process as unknown as { binding(name: string): any }).binding('fs')
}
