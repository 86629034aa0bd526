from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field


class Order(BaseModel):
    item: str
    count: int = Field(gt=0)


@asynccontextmanager
async def lifespan(app: FastAPI):
    # What an instance opens when it starts, and closes when it ends.
    yield {"prices": {"apple": 3, "pear": 4}}


app = FastAPI(title="Orders", lifespan=lifespan)


@app.get("/prices/{item}")
async def price(item: str, request: Request) -> dict[str, int]:
    prices = request.state.prices
    if item not in prices:
        raise HTTPException(404, f"nobody sells {item}")
    return {item: prices[item]}


@app.post("/orders", status_code=201)
async def order(order: Order, request: Request) -> dict[str, int]:
    return {"total": order.count * request.state.prices.get(order.item, 0)}
