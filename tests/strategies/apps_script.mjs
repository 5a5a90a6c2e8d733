// Runs one call of the Google Sheets sample as Apps Script would, and prints the request that it would fetch:
//     node apps_script.mjs api.gs placeorder order '{"id": …}'
import {readFileSync} from 'node:fs';
import {createContext, runInContext} from 'node:vm';

const [file, endpoint, shape, given] = process.argv.slice(2);
const properties = {BRIDGE_URL: 'http://bridge.test', BRIDGE_KEY: 'brk_1_secret'};
const fetch = (url, options) => ({url, ...options});
const google = {
  PropertiesService: {getScriptProperties: () => ({getProperty: (name) => properties[name]})},
  UrlFetchApp: {fetch},
};
const context = createContext(google);
runInContext(readFileSync(file, 'utf8'), context);
console.log(JSON.stringify(runInContext(`call(${JSON.stringify(endpoint)}, ${shape}(${given}))`, context)));
