// The npm package smpp: `listen PORT` is a message centre, and `hold NUMBER` leaves messages from this one on without a reply
// until `release`. `connect PORT` binds a client, and `burst FIRST COUNT` submits messages whose texts are numbers. Each line that it
// prints says what it has received or sent. The program ends with its stdin.
const smpp = require('smpp')

const BEAT = 400
const WINDOW = 8

// Messages from this number on are answered after `release`.
let hold = Infinity
let held = []

const say = (...words) => console.log(words.join(' '))

function listen (port) {
  const server = smpp.createServer(session => {
    let beat
    session.on('error', () => {})
    session.on('close', () => clearInterval(beat))
    // Our own requests have the sequence numbers of the client's.
    const deliver = number => {
      say('delivered', number)
      session.deliver_sm({ sequence_number: number, source_addr: '4711', destination_addr: 'esme', short_message: 'hello' })
    }
    session.on('deliver_sm_resp', pdu => say('confirmed', pdu.sequence_number))
    session.on('enquire_link_resp', () => say('alive'))
    session.on('bind_transceiver', pdu => {
      say('bind', pdu.sequence_number)
      if (pdu.password !== 'secret') return session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }))
      session.enquire_link({ sequence_number: pdu.sequence_number })
      deliver(pdu.sequence_number)
      session.send(pdu.response({ system_id: 'centre' }))
      beat = setInterval(() => session.enquire_link(), BEAT)
    })
    session.on('submit_sm', pdu => {
      const text = pdu.short_message.message
      say('submit', text, pdu.sequence_number)
      const number = Number(text)
      if (number % 7 === 0) deliver(pdu.sequence_number)
      const refused = number % 11 === 0
      const reply = pdu.response(refused ? { command_status: smpp.ESME_RMSGQFUL } : { message_id: text })
      const answer = () => session.send(reply)
      if (number >= hold) held.push(answer)
      // Replies are not in the order of the requests.
      else if (number % 3 === 0) setTimeout(answer, 2)
      else answer()
    })
    let enquiries = 0
    session.on('enquire_link', pdu => {
      say('enquire', pdu.sequence_number)
      const nack = new smpp.PDU('generic_nack', { sequence_number: pdu.sequence_number, command_status: smpp.ESME_RINVCMDID })
      session.send(++enquiries % 2 ? nack : pdu.response())
    })
    session.on('unbind', pdu => {
      say('unbind', pdu.sequence_number)
      session.send(pdu.response())
      session.close()
    })
  })
  server.listen(Number(port), '127.0.0.1', () => say('listening'))
}

let session
let todo = []
const waiting = new Map()

function connect (port) {
  const mine = session = smpp.connect({ host: '127.0.0.1', port: Number(port) })
  let beat
  mine.on('error', () => {})
  mine.on('close', () => {
    clearInterval(beat)
    waiting.clear()
    todo = []
    say('lost')
  })
  mine.on('enquire_link', pdu => {
    say('enquire', pdu.sequence_number)
    mine.send(pdu.response())
  })
  mine.on('enquire_link_resp', () => say('alive'))
  mine.on('submit_sm_resp', answered)
  mine.on('connect', () => mine.bind_transceiver({ system_id: 'esme', password: 'secret' }))
  mine.on('bind_transceiver_resp', pdu => {
    say('bound', pdu.command_status)
    beat = setInterval(() => mine.enquire_link(), BEAT)
  })
}

function answered (pdu) {
  say('answered', waiting.get(pdu.sequence_number), pdu.command_status, pdu.message_id)
  waiting.delete(pdu.sequence_number)
  submit()
}

function submit () {
  while (session.socket.writable && todo.length > 0 && waiting.size < WINDOW) {
    const text = todo.shift()
    waiting.set(session.sequence + 1, text)
    say('sent', text)
    session.submit_sm({ source_addr: 'npm', destination_addr: '4711', short_message: text })
  }
  if (waiting.size === 0) say('done')
}

function burst (first, count) {
  todo = Array.from({ length: Number(count) }, (_, i) => String(Number(first) + i))
  submit()
}

const unbind = () => session.unbind(() => {
  say('unbound')
  session.close()
})

function leaveUnanswered (number) {
  hold = Number(number)
  say('holding')
}

function release () {
  hold = Infinity
  held.splice(0).forEach(answer => answer())
}

const commands = { listen, hold: leaveUnanswered, release, connect, burst, unbind }
require('readline').createInterface({ input: process.stdin })
  .on('line', line => {
    const [command, ...rest] = line.split(' ')
    commands[command](...rest)
  })
  .on('close', () => process.exit(0))
