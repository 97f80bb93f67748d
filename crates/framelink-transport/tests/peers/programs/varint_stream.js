// length-prefixed-stream: `listen varint DELIVERY TOGETHER` echoes messages, TOGETHER at a time, and prints its port.
// `connect varint DELIVERY PORT SIZE...` sends messages, and compares the echoes. The program ends with its stdin.
const net = require('net')
const lps = require('length-prefixed-stream')

function payload (size) {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => i + (i >> 8) + size))
}

// Returns the bytes that the package's encoder makes of messages.
function encoded (messages) {
  const encoder = lps.encode()
  const parts = []
  encoder.on('data', part => parts.push(part))
  messages.forEach(message => encoder.write(message))
  encoder.end()
  return new Promise(resolve => encoder.on('end', () => resolve(Buffer.concat(parts))))
}

async function send (socket, delivery, messages) {
  const data = await encoded(messages)
  if (delivery !== 'bytes') return socket.write(data)
  for (let i = 0; i < data.length; i++) {
    // A write that is not yet complete would be combined with the next one.
    await new Promise(resolve => socket.write(data.subarray(i, i + 1), resolve))
  }
}

function listen (delivery, together) {
  const server = net.createServer({ noDelay: true }, socket => {
    let kept = []
    socket.pipe(lps.decode({ allowEmpty: true })).on('data', message => {
      kept.push(message)
      if (kept.length === Number(together)) {
        send(socket, delivery, kept)
        kept = []
      }
    })
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
}

function connect (delivery, port, ...sizes) {
  const messages = sizes.map(size => payload(Number(size)))
  let received = 0
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true }, () => {
    send(socket, delivery, delivery === 'burst' ? messages : messages.slice(0, 1))
  })
  socket.pipe(lps.decode({ allowEmpty: true })).on('data', message => {
    if (!messages[received].equals(message)) console.log('other bytes came back for message', received)
    received++
    if (received === messages.length) {
      console.log('same', received)
      socket.end()
    } else if (delivery !== 'burst') {
      send(socket, delivery, messages.slice(received, received + 1))
    }
  })
}

const commands = { listen, connect }
require('readline').createInterface({ input: process.stdin })
  .on('line', line => {
    const [command, , ...rest] = line.split(' ')
    commands[command](...rest)
  })
  .on('close', () => process.exit(0))
