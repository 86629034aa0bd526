type Handler = (parameters: Record<string, string>) => unknown;

/** A router in the shape that many have: `on(method, "/orders/:id", handler)`, and `fetch` for whoever serves it. */
export class Router {
  private readonly routes: { method: string; pattern: URLPattern; handler: Handler }[] = [];

  on(method: string, pathname: string, handler: Handler): this {
    this.routes.push({ method, pattern: new URLPattern({ pathname }), handler });
    return this;
  }

  fetch = (request: Request): Response => {
    for (const { method, pattern, handler } of this.routes) {
      const match = method === request.method && pattern.exec(request.url);
      if (!match) continue;
      const result = handler(match.pathname.groups as Record<string, string>);
      return result === undefined ? new Response("not found\n", { status: 404 }) : Response.json(result);
    }
    return new Response("not found\n", { status: 404 });
  };
}
