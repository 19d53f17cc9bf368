// deliver.js: a shop's server, as Segment and RudderStack tell one to write it.
//
//   node deliver.js MODULES SDK URL KEY: makes one call of each type, and a second sale without an id.
//
// Prints the id of every call whose callback said success, one a line; what the SDK reports as an
// error goes to standard error, and then the exit status is 1. SDK is segment, rudder (whose bodies
// are gzip'd) or rudder-plain.
'use strict'
const path = require('node:path')
const [modules, name, url, key] = process.argv.slice(2)
const sdk = require('node:module').createRequire(path.join(modules, 'noop.js'))

const person = `Jane+${name}@Example.com`
const product = { product_id: 'SKU-1', name: 'Running Shoe', price: 59.9, quantity: 2 }
const sale = { order_id: `${name}-1`, email: person, currency: 'EUR', value: 119.8, products: [product] }
const user = { userId: 'Cust-42' }
const calls = [
    ['identify', { ...user, traits: { email: person } }],
    ['track', { ...user, event: 'Order Completed', properties: sale }],
    ['page', { ...user, name: 'Receipt', properties: { email: person } }],
    ['screen', { ...user, name: 'Receipt', properties: { email: person } }],
    ['group', { ...user, groupId: 'Club', traits: { email: person } }],
    ['alias', { ...user, previousId: 'Guest-7', context: { traits: { email: person } } }],
]
const unnamed = ['track', { ...user, event: 'Order Completed', properties: sale }]

function failed(error) {
    console.error(`${name}: ${error.reason?.message ?? error.message ?? JSON.stringify(error)}`)
    process.exitCode = 1
}

// Makes all calls. `own` finds the id that the SDK gave, in what it hands to a callback; the end of
// the promise is that of the last callback.
function make(client, own) {
    const heard = ([type, call]) =>
        new Promise((resolve) => {
            client[type](call, (error, info) => {
                if (error) failed(error)
                else console.log(call.messageId ?? own(info))
                resolve()
            })
        })
    const named = calls.map(([type, call]) => [type, { ...call, messageId: `${name}-${type}` }])
    return Promise.all([...named, unnamed].map(heard))
}

async function segment() {
    const { Analytics } = sdk('@segment/analytics-node')
    const client = new Analytics({ writeKey: key, host: url })
    client.on('error', failed)
    const all = make(client, (context) => context.event.messageId)
    await client.closeAndFlush()
    await all
}

async function rudder(gzip) {
    const Analytics = sdk('@rudderstack/rudder-sdk-node')
    const client = new Analytics(key, { dataPlaneUrl: url, gzip, errorHandler: failed, logLevel: 'error' })
    const all = make(client, () => 'unnamed') // a gzip'd body is all that it hands out
    await client.flush() // the first call went out alone, at once: this is for the rest
    await all
}

const sdks = { segment, rudder: () => rudder(true), 'rudder-plain': () => rudder(false) }
sdks[name]().catch(failed)
