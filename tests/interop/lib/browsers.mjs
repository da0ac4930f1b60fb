// Starts real browsers. Both give pages with `call(function, ...arguments)` into the interop page.
import os from 'node:os';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { serve } from './serve.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/lib/firefox-esr/firefox-esr';

const QUIET = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
const MEDIA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

export async function startChromium({ loopback = true, mdns = false, args = [] } = {}) {
  const flags = [...QUIET, '--use-fake-device-for-media-stream', ...(mdns ? [] : MEDIA.slice(1)), ...args];
  if (loopback) flags.push('--allow-loopback-in-peer-connection');
  if (!mdns) flags.push('--disable-features=WebRtcHideLocalIpsWithMdns');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags, timeout: 60000 });
  const web = await serve();
  return {
    name: 'chromium',
    version: browser.version(),
    loopback,
    async open(url) {
      const page = await (await browser.newContext({ viewport: { width: 1280, height: 1000 } })).newPage();
      await page.goto(url ?? web.url);
      return wrap(page, (name, args) => page.evaluate(([name, args]) => window.api[name](...args), [name, args]));
    },
    async close() { await browser.close(); web.close(); },
  };
}

// `media.navigator.streams.fake` gives a picture and a tone; the rest keeps Firefox from traffic of its own.
const PREFERENCES = {
  'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0,
  'media.peerconnection.ice.loopback': true, 'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.gmp-manager.updateEnabled': false, 'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false, 'network.proxy.type': 0, 'network.http.http3.enable': false,
  'app.normandy.enabled': false, 'datareporting.healthreport.uploadEnabled': false,
  'toolkit.telemetry.enabled': false, 'browser.safebrowsing.update.enabled': false, 'services.settings.server': 'data:,',
};

export async function startFirefox({ preferences = {} } = {}) {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true, timeout: 90000,
    extraPrefsFirefox: { ...PREFERENCES, ...preferences }, env: { ...process.env, HOME: os.tmpdir() } });
  const web = await serve();
  return {
    name: 'firefox',
    version: (await browser.version()).replace(/.*\//, ''),
    loopback: false,
    async open(url) {
      const page = await browser.newPage();
      await page.setViewport({ width: 1280, height: 1000 });
      await page.goto(url ?? web.url);
      return wrap(page, (name, args) => page.evaluate((name, args) => window.api[name](...args), name, args));
    },
    async close() { await browser.close(); web.close(); },
  };
}

function wrap(page, invoke) {
  return { page, call: (name, ...args) => invoke(name, args), close: () => page.close() };
}

export const start = (name, options) => (name === 'firefox' ? startFirefox : startChromium)(options);
