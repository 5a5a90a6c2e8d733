/**
 * Sends the sheet's open rows to Bridge. Columns: Id, Action, Symbol, Quantity, Status.
 *
 * Script properties: BRIDGE_WEBHOOK (the address), BRIDGE_SIGNING_SECRET (optional, "whsec_…").
 * Run sendOpenRows from the menu. A row that has a Status is never sent; a row keeps its Id, so sending it again after
 * a broken connection cannot act twice.
 */
const COLUMN = {id: 0, action: 1, symbol: 2, quantity: 3, status: 4};

function onOpen() {
  SpreadsheetApp.getUi().createMenu('Bridge').addItem('Send open rows', 'sendOpenRows').addToUi();
}

function sendOpenRows() {
  // Two people, or one double click: only one run at a time.
  const lock = LockService.getDocumentLock();
  lock.waitLock(10000);
  try {
    const sheet = SpreadsheetApp.getActiveSheet();
    const rows = sheet.getDataRange().getValues();
    for (let index = 1; index < rows.length; index += 1) {
      if (rows[index][COLUMN.action] && !rows[index][COLUMN.status]) sendRow(sheet, rows[index], index + 1);
    }
  } finally {
    lock.releaseLock();
  }
}

function sendRow(sheet, cells, line) {
  const row = {
    id: cells[COLUMN.id] || Utilities.getUuid(),
    action: cells[COLUMN.action],
    symbol: cells[COLUMN.symbol],
    // An empty cell is left out of the message: an exit closes what is there.
    quantity: cells[COLUMN.quantity] === '' ? undefined : cells[COLUMN.quantity],
  };
  // The id is in the sheet before anything leaves it.
  sheet.getRange(line, COLUMN.id + 1).setValue(row.id);
  SpreadsheetApp.flush();
  const response = post(row.id, message(row));
  if (isFinal(response.getResponseCode())) {
    sheet.getRange(line, COLUMN.status + 1).setValue(response.getContentText());
  }
}

function message(row) {
  return JSON.stringify({action: row.action, symbol: row.symbol, quantity: row.quantity, signalId: row.id});
}

function post(id, body) {
  const properties = PropertiesService.getScriptProperties();
  return UrlFetchApp.fetch(properties.getProperty('BRIDGE_WEBHOOK'), {
    method: 'post',
    contentType: 'application/json',
    headers: signature(properties.getProperty('BRIDGE_SIGNING_SECRET'), id, body),
    payload: body,
    followRedirects: false,
    muteHttpExceptions: true,
  });
}

/** Standard Webhooks: HMAC-SHA256 over id.timestamp.body. */
function signature(secret, id, body) {
  if (!secret) return {};
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = Utilities.base64Decode(secret.replace('whsec_', ''));
  const signed = Utilities.newBlob(`${id}.${timestamp}.${body}`).getBytes();
  const digest = Utilities.base64Encode(Utilities.computeHmacSha256Signature(signed, key));
  return {'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}`};
}

/** Accepted, repeated and refused are answers; too fast (429), a server in trouble (5xx) or a wrong address (404) are not. */
function isFinal(code) {
  return code === 202 || code === 409 || code === 422;
}
