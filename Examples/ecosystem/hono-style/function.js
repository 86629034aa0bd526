import { App } from "./router.js";

const app = new App();

app.use(async (c, next) => {
  const began = performance.now();
  const response = await next();
  response.headers.set("Server-Timing", `app;dur=${(performance.now() - began).toFixed(1)}`);
  return response;
});
app.get("/", (c) => c.redirect("/hello/World"));
app.get("/hello/:name", (c) => c.text(`Hello, ${decodeURIComponent(c.param("name"))}!\n`));
app.post("/sum", async (c) => c.json({ sum: (await c.request.json()).reduce((sum, each) => sum + each, 0) }));

// An app: it sees /hello/…, wherever it is mounted.
export default app;
