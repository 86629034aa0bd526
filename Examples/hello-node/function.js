// Answers every request for /hello-node and the paths below it.
export default async (request) => {
  return new Response("Hello from hello-node!\n");
};
