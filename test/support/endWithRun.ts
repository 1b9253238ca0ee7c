// Preloaded into every test file's process. When the run is killed (`kill -9` too), its node:test runner would go on as
// an orphan: then the test processes end it and themselves, and with them, since they are bound to their parents, the
// servers that tests started.
const run = Number(process.env.SURETY_TEST_RUN)
const runner = process.ppid

setInterval(() => {
  if (isAlive(run) && process.ppid === runner) return
  if (process.ppid === runner) process.kill(runner, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
}, 300).unref()

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
