// Starts real browsers. Both give pages with `call(function, ...arguments)` into the interop page.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { temporary } from './certificates.mjs';
import { lanAddress, tlsFiles } from './coturn.mjs';
import { startScripted } from './scripted.mjs';
import { serve } from './serve.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/lib/firefox-esr/firefox-esr';

const QUIET = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];
const TRIALS = { interleaving: 'WebRTC-DataChannelMessageInterleaving', snap: 'WebRTC-Sctp-Snap',
  sped: 'WebRTC-IceHandshakeDtls' };
const NO_QUESTIONS = '--use-fake-ui-for-media-stream';

// `turn`: our own coturn's certificate is accepted, and its name leads to this machine. `quantum: false` takes the
// post-quantum key share away, `trial` turns on what Chromium has not yet by default: I-DATA (which Firefox always speaks),
// SCTP's INITs in the descriptions, DTLS on connectivity checks; several with commas between.
export async function startChromium({ loopback = true, mdns = false, turn = false, quantum = true, trial } = {}) {
  const flags = [...QUIET, '--use-fake-device-for-media-stream', ...(mdns ? [] : [NO_QUESTIONS])];
  if (loopback) flags.push('--allow-loopback-in-peer-connection');
  if (turn) flags.push('--ignore-certificate-errors');
  if (trial) flags.push(`--force-fieldtrials=${trial.split(',').map(name => `${TRIALS[name]}/Enabled/`).join('')}`);
  const without = [...mdns ? [] : ['WebRtcHideLocalIpsWithMdns'], ...quantum ? [] : ['WebRtcPqcForDtls']];
  if (without.length) flags.push(`--disable-features=${without.join()}`);
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

// `dtls12`: it offers no DTLS 1.3.
export async function startFirefox({ turn = false, quantum = true, dtls12 = false } = {}) {
  const more = { ...dtls12 && { 'media.peerconnection.dtls.version.max': 771 }, ...turn && { 'network.dns.forceResolve': lanAddress() }, 'media.webrtc.enable_pq_hybrid_kex': quantum };
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: FIREFOX, headless: true, timeout: 90000,
    ...turn && { userDataDir: trustingProfile() },
    extraPrefsFirefox: { ...PREFERENCES, ...more }, env: { ...process.env, HOME: os.tmpdir() } });
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

// A profile in which the interop certificate authority is trusted.
function trustingProfile() {
  const profile = fs.mkdtempSync(path.join(temporary(), 'profile-')), database = ['-d', `sql:${profile}`];
  execFileSync('certutil', ['-N', ...database, '--empty-password']);
  execFileSync('certutil', ['-A', ...database, '-n', 'interop', '-t', 'CT,,', '-i', tlsFiles().ca]);
  return profile;
}

function wrap(page, invoke) {
  return { page, call: (name, ...args) => invoke(name, args), close: () => page.close() };
}

const START = { chromium: startChromium, firefox: startFirefox };
export const start = (name, options) => START[name]?.(options) ?? startScripted(name);
