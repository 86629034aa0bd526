export enum Status {
  Open = "open",
  Paid = "paid",
  Sent = "sent",
}

export interface Order {
  id: number;
  status: Status;
}

export class Orders {
  private readonly all = new Map<number, Order>();

  constructor(private readonly first: number) {}

  open(): Order {
    const order = { id: this.first + this.all.size, status: Status.Open };
    this.all.set(order.id, order);
    return order;
  }

  advance(id: number): Order | undefined {
    const order = this.all.get(id);
    if (order) order.status = order.status === Status.Open ? Status.Paid : Status.Sent;
    return order;
  }
}
