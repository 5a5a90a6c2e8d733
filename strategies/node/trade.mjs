// Orders, targets and prices through Bridge's API, with nothing but Node's own library (18 or newer).
//
//     export BRIDGE_URL=http://127.0.0.1:8000 BRIDGE_KEY=brk_…
//     node trade.mjs order BUY INFY 10 [ID]     buy or sell at the market
//     node trade.mjs target INFY -5             hold that many from now on, whatever is held
//     node trade.mjs quote INFY
//     node trade.mjs bars INFY 2026-11-01 2026-11-20 [5m]
//
// Without an id one is made and printed; after a broken connection, send the same order with that id: it cannot act twice.
import {randomUUID} from 'node:crypto';

const {BRIDGE_URL, BRIDGE_KEY} = process.env;
const STRATEGY = 'Node sample';
const EXCHANGE = 'NSE';
const MARKET = {pricetype: 'MARKET', product: 'MIS'};

const post = (endpoint, members) => fetch(`${BRIDGE_URL}/api/v1/${endpoint}`, {
  method: 'POST',
  headers: {'Content-Type': 'application/json'},
  body: JSON.stringify({apikey: BRIDGE_KEY, ...members}),
});

const commands = {
  order(action, symbol, quantity, id = randomUUID()) {
    console.error(`id: ${id}`);
    const order = {strategy: STRATEGY, symbol, exchange: EXCHANGE, action, quantity, ...MARKET};
    return post('placeorder', {...order, client_order_id: id});
  },

  // Action and quantity are part of the protocol; the target decides.
  target(symbol, position) {
    const action = position.startsWith('-') ? 'SELL' : 'BUY';
    const order = {strategy: STRATEGY, symbol, exchange: EXCHANGE, action, quantity: '0', ...MARKET};
    return post('placesmartorder', {...order, position_size: position});
  },

  quote(symbol) {
    return post('quotes', {symbol, exchange: EXCHANGE});
  },

  // The key stands in a header, never in the address: addresses are written to logs.
  bars(symbol, first, last, interval = 'D') {
    const query = new URLSearchParams({interval, from: first, to: last, format: 'txt'});
    const address = `${BRIDGE_URL}/api/v1/ticker/${EXCHANGE}:${encodeURIComponent(symbol)}?${query}`;
    return fetch(address, {headers: {'X-API-KEY': BRIDGE_KEY}});
  },
};

const [what, ...given] = process.argv.slice(2);
if (!Object.hasOwn(commands, what ?? '') || given.length < commands[what].length || !BRIDGE_URL || !BRIDGE_KEY) {
  console.error('usage: BRIDGE_URL=… BRIDGE_KEY=… node trade.mjs order|target|quote|bars …');
  process.exit(2);
}
try {
  const answer = await commands[what](...given);
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (problem) {
  console.error(`No answer (${problem.message}). An order may be sent again with its id; it cannot act twice.`);
  process.exitCode = 2;
}
