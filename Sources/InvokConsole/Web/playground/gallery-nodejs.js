// JavaScript, by the fetch standard.

/** @type {Record<string, string>} */
export const sources = {
  json: `// Adds up the numbers of {"numbers": [1, 2, 3]}.
export default async (request) => {
  if (request.method !== "POST") {
    return Response.json({ usage: 'POST {"numbers": [1, 2, 3]}' });
  }
  const { numbers } = await request.json();
  console.log(\`adding \${numbers.length} numbers\`);
  return Response.json({ sum: numbers.reduce((sum, each) => sum + each, 0), count: numbers.length });
};
`,
  page: `const escape = (text) => text.replace(/[&<>"']/g, (character) => \`&#\${character.charCodeAt(0)};\`);

// A page; what comes from outside is escaped before it stands in it.
export default async (request) => {
  const name = escape(new URL(request.url).searchParams.get("name") ?? "world");
  return new Response(\`<!doctype html>
<meta charset="utf-8">
<title>Hello, \${name}</title>
<style>
  body { font: 18px/1.6 system-ui; display: grid; place-items: center; min-height: 90vh; margin: 0; color: #1c2030 }
  button { font: inherit; padding: 8px 18px; border: 0; border-radius: 8px; background: #4146d1; color: white }
</style>
<main>
  <h1>Hello, \${name}!</h1>
  <button id="count">Clicked 0 times</button>
</main>
<script>
  let clicks = 0;
  count.onclick = () => count.textContent = "Clicked " + ++clicks + " times";
</script>
\`, { headers: { "Content-Type": "text/html; charset=utf-8" } });
};
`,
  stream: `// A stream is sent piece by piece, as it comes.
export default async () => {
  const stream = new ReadableStream({
    async start(controller) {
      const send = (text) => controller.enqueue(new TextEncoder().encode(text));
      send("Counting down…\\n");
      for (let number = 5; number > 0; number--) {
        send(\`\${number}\\n\`);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      send("Lift-off.\\n");
      controller.close();
    },
  });
  return new Response(stream, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
};
`,
  image: `// An SVG: circles at places that change with each call.
export default async () => {
  const circle = () => {
    const [x, y, r] = [400, 260, 60].map((limit) => Math.round(Math.random() * limit));
    return \`<circle cx="\${x}" cy="\${y}" r="\${r + 12}" fill="hsl(\${230 + r} 70% 60%)" opacity="0.6"/>\`;
  };
  const circles = Array.from({ length: 24 }, circle).join("");
  return new Response(
    \`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 260" width="400" height="260">\${circles}</svg>\`,
    { headers: { "Content-Type": "image/svg+xml" } },
  );
};
`,
};
