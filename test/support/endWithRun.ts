// Preloaded into the test runner and into every test file's process: when the run is killed (`kill -9` too), they end,
// and with them, since they are bound to their parents, the servers that tests started.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 300).unref()
