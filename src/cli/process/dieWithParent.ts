import { printable } from '../../kernel/log.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ends this process with `stop`, once, on the first of: SIGINT, SIGTERM, SIGHUP, or the loss of the IPC channel to
 * the parent (the kernel closes it even when the parent dies by `kill -9`). Later signals change nothing: a terminal's
 * Ctrl-C arrives several times, from the terminal and from each parent that passes it on.
 *
 * With `capMs` the process ends with code 1 when `stop` takes longer than that many milliseconds.
 * When `stop` resolves the process exits with code 0, or with the code it resolves to; when it rejects, the error is
 * printed and the code is 1. Returns a function that ends the process in the same way.
 */
export function dieWithParent(
  stop: () => Promise<number | undefined> | Promise<void>,
  capMs?: number,
): () => void {
  let ending = false
  const end = (): void => {
    if (ending) return
    ending = true
    if (capMs !== undefined) setTimeout(giveUp, capMs, capMs).unref()
    stop().then(
      (code) => process.exit(code ?? 0),
      (error: unknown) => {
        console.error(printable(error))
        process.exit(1)
      },
    )
  }
  for (const signal of SIGNALS) process.on(signal, end)
  process.on('disconnect', end)
  // Listening must not keep the process alive, and the parent may have died before we listened.
  process.channel?.unref()
  if (process.connected === false) end()
  return end
}

function giveUp(capMs: number): never {
  console.error(`Not everything under way ended within ${capMs} ms; it is cut off.`)
  process.exit(1)
}
