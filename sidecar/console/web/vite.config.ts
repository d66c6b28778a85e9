import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

// The pages are embedded into the program (go:embed) and served under a strict
// Content-Security-Policy: everything is a file of its own, nothing is inlined.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    emptyOutDir: true, // public/.keep brings dist/.keep back, which go:embed needs
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
  server: { proxy: { '/api': { target: 'https://127.0.0.1:8443', secure: false, ws: true } } },
  test: { include: ['src/**/*.test.ts', 'test/*.test.mjs'], environment: 'node' },
})
