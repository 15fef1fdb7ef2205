import { readFileSync, readdirSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** Every package whose code or font ends up in the built page. */
const SHIPPED = ['lit', 'lit-html', 'lit-element', '@lit/reactive-element', 'maplibre-gl', 'uplot', 'lucide', '@fontsource/be-vietnam-pro'];

/** Ships the licences of what is built in, beside it. */
function licences(): Plugin {
  return {
    name: 'canh-licences',
    apply: 'build',
    generateBundle() {
      const parts = SHIPPED.map((name) => {
        const folder = new URL(`./node_modules/${name}/`, import.meta.url);
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string };
        const text = file ? readFileSync(new URL(file, folder), 'utf8').trim() : 'see the package';
        return `${name} ${version}\n${'='.repeat(name.length + version.length + 1)}\n${text}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'third-party-licenses.txt', source: parts.join('\n\n') });
    },
  };
}

export default defineConfig({
  base: '/console/',
  plugins: [licences()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // data: URLs would need a wider content security policy; every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': 'http://127.0.0.1:8000' } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
