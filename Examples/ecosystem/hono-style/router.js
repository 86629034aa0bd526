/** What a request is handled with, as Hono's context: the request, its parameters, and ways to answer. */
class Context {
  #headers = new Headers();

  constructor(request, parameters) {
    this.request = request;
    this.parameters = parameters;
  }

  param = (name) => this.parameters[name];
  query = (name) => new URL(this.request.url).searchParams.get(name);
  header = (name, value) => this.#headers.set(name, value);
  text = (body, status = 200) => new Response(body, { status, headers: this.#headers });
  json = (body, status = 200) => Response.json(body, { status, headers: this.#headers });
  redirect = (path, status = 302) => new Response(null, { status, headers: { Location: path } });
}

/** Routes, and what runs around them: `app.use(async (c, next) => …)`, `app.get("/hello/:name", (c) => …)`. */
export class App {
  #around = [];
  #routes = [];

  use(middleware) {
    this.#around.push(middleware);
    return this;
  }

  on(method, pathname, handler) {
    this.#routes.push({ method, pattern: new URLPattern({ pathname }), handler });
    return this;
  }

  get = (pathname, handler) => this.on("GET", pathname, handler);
  post = (pathname, handler) => this.on("POST", pathname, handler);

  fetch = async (request) => {
    for (const { method, pattern, handler } of this.#routes) {
      const match = method === request.method && pattern.exec(request.url);
      if (match) return this.#run(new Context(request, match.pathname.groups), handler);
    }
    return new Response("not found\n", { status: 404 });
  };

  #run(context, handler) {
    const step = (index) => (index < this.#around.length ? this.#around[index](context, () => step(index + 1)) : handler(context));
    return step(0);
  }
}
