/**
 * Orders, targets and prices through Bridge's API. Script properties: BRIDGE_URL, BRIDGE_KEY.
 *
 * Sheet "Trades": Id, Action (BUY, SELL, or HOLD for a target), Symbol, Quantity, Answer. Run sendTrades from an own menu
 * or a button; a row that has an Answer is never sent. =BRIDGE_PRICE("INFY") in a cell is the last price.
 * A cell is recalculated whenever Google likes: read prices in cells, never send orders.
 */
const MARKET = {pricetype: 'MARKET', product: 'MIS'};

function sendTrades() {
  // Two people, or one double click: only one run at a time.
  const lock = LockService.getDocumentLock();
  lock.waitLock(10000);
  try {
    const sheet = SpreadsheetApp.getActive().getSheetByName('Trades');
    sheet.getDataRange().getValues().forEach((cells, index) => {
      if (index > 0 && cells[1] && !cells[4]) sendTrade(sheet, cells, index + 1);
    });
  } finally {
    lock.releaseLock();
  }
}

function sendTrade(sheet, cells, line) {
  const row = {id: cells[0] || Utilities.getUuid(), action: cells[1], symbol: cells[2], quantity: cells[3]};
  // The id is in the sheet before anything leaves it: sent again, it cannot act twice.
  sheet.getRange(line, 1).setValue(row.id);
  SpreadsheetApp.flush();
  const response = row.action === 'HOLD' ? call('placesmartorder', target(row)) : call('placeorder', order(row));
  const code = response.getResponseCode();
  // Too fast, or a server in trouble: nothing is decided, and the row may be sent again.
  if (code !== 429 && code < 500) sheet.getRange(line, 5).setValue(response.getContentText());
}

function order(row) {
  return {strategy: 'Google Sheets', symbol: row.symbol, exchange: 'NSE', action: row.action, quantity: row.quantity, ...MARKET, client_order_id: row.id};
}

/** Action and quantity are part of the protocol; the target decides. */
function target(row) {
  return {strategy: 'Google Sheets', symbol: row.symbol, exchange: 'NSE', action: row.quantity < 0 ? 'SELL' : 'BUY', quantity: 0, ...MARKET, position_size: row.quantity};
}

function quote(symbol) {
  return {symbol, exchange: 'NSE'};
}

/**
 * The last price of an NSE share.
 * @customfunction
 */
function BRIDGE_PRICE(symbol) {
  const response = call('quotes', quote(symbol));
  if (response.getResponseCode() !== 200) throw new Error(response.getContentText());
  return JSON.parse(response.getContentText()).data.ltp;
}

function call(endpoint, members) {
  const properties = PropertiesService.getScriptProperties();
  return UrlFetchApp.fetch(`${properties.getProperty('BRIDGE_URL')}/api/v1/${endpoint}`, {
    method: 'post',
    contentType: 'application/json',
    payload: JSON.stringify({apikey: properties.getProperty('BRIDGE_KEY'), ...members}),
    followRedirects: false,
    muteHttpExceptions: true,
  });
}
