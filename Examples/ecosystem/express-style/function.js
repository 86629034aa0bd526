// What Express's users write, without Express: Invok gives (req, res) what it has. With the package, `app.listen()` does.
const todos = new Map([[1, { id: 1, title: "Read the README", done: false }]]);

export default function (req, res) {
  const [, collection, id] = req.path.split("/");
  if (collection !== "todos") return res.redirect("/todos");
  if (req.method === "GET" && !id) return res.json([...todos.values()]);
  if (req.method === "POST") {
    if (!req.is("json") || typeof req.body.title !== "string") return res.status(400).json({ error: "a title is needed" });
    const todo = { id: todos.size + 1, title: req.body.title, done: false };
    todos.set(todo.id, todo);
    return res.status(201).set("Location", `/todos/${todo.id}`).cookie("last", todo.id, { httpOnly: true }).json(todo);
  }
  const todo = todos.get(Number(id));
  return todo ? res.json(todo) : res.sendStatus(404);
}
