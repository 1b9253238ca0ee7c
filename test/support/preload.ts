// Preloaded into every test file's process.
import './fast.ts'

// When the run is killed (`kill -9` too), a test file's process ends itself, and with it, since they are bound to their
// parents, the servers that tests started.
const run = Number(process.env.SURETY_TEST_RUN)
setInterval(() => {
  if (process.ppid !== run) process.kill(process.pid, 'SIGKILL')
}, 300).unref()
