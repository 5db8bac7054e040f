// Loaded into a server: on SIGWINCH it does what the file PUSH_DATA_DIR/throw says, as a dependency might.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

/** As ioredis makes them: the arguments hang on the error, and Redis quotes some in its message. */
function ofRedis(message) {
  return Object.assign(new Error(message), { command: { name: 'set', args: ['key', 'secret-payload'] } })
}

/** As if it came out of a file of the store. */
function ofStore() {
  const error = new TypeError('undefined is no log')
  error.stack = `${error.name}: ${error.message}\n    at append (${process.env.PUSH_TEST_STORE}level/log.js:1:1)`
  return error
}

const ways = {
  rejection: () => void Promise.reject(ofRedis("ERR unknown command 'X', with args beginning with: 'secret-payload'")),
  exception: () => {
    throw ofRedis('READONLY')
  },
  store: () => {
    throw ofStore()
  },
}

process.on('SIGWINCH', () => ways[readFileSync(join(process.cwd(), 'throw'), 'utf8')]())
