// Serves the interop page on a loopback port of the system's choosing.
import http from 'node:http';
import fs from 'node:fs';

export function serve() {
  const server = http.createServer((request, response) => {
    const script = request.url === '/page.js';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(fs.readFileSync(new URL(script ? 'page.js' : 'page.html', import.meta.url)));
  });
  return new Promise(done => server.listen(0, '127.0.0.1', () => done({
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => { server.closeAllConnections(); server.close(); },
  })));
}
