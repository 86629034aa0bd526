import { Order, Orders } from "@/orders";
import { Router } from "@/router";

const orders = new Orders(100);

// An app: it sees /orders, wherever it is mounted.
export default new Router()
  .on("POST", "/orders", (): Order => orders.open())
  .on("POST", "/orders/:id/advance", ({ id }) => orders.advance(Number(id)));
