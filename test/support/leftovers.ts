import { readdirSync, readFileSync } from 'node:fs'

/** A process that should have ended. */
export interface Leftover {
  pid: number
  command: string
}

/**
 * Processes whose arguments or environment contain one of `marks`, except this one. Only where /proc exists (Linux);
 * elsewhere none are found.
 */
export function findLeftovers(marks: readonly string[]): Leftover[] {
  const pids = processIds().filter((pid) => pid !== process.pid)
  return pids.flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`)
    // No arguments: a zombie or a kernel thread.
    if (command === '') return []
    const text = `${command}\0${read(`/proc/${pid}/environ`)}`
    return marks.some((mark) => text.includes(mark)) ? [{ pid, command: command.replaceAll('\0', ' ') }] : []
  })
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
