interface Greeting {
  message: string;
  name: string;
}

// Answers every request for /hello-typescript and the paths below it.
export default async (request: Request): Promise<Response> => {
  const name: string = new URL(request.url).searchParams.get("name") ?? "hello-typescript";
  const greeting: Greeting = { message: `Hello from ${name}!`, name };
  return Response.json(greeting);
};
