// Greets with the words that config.json gives in "env".
export default async (request) => {
  const name = new URL(request.url).searchParams.get("name") ?? "world";
  return new Response(`${process.env.GREETING ?? "Hello"}, ${name}!\n`);
};
