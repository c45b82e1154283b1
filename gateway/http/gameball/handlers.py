"""The handler of each operation in local mode."""

from gateway.http.gameball import achieve, activities, balance, campaigns, customers, progress, tags
from gateway.http.gameball.call import Handler
from gateway.http.gameball.operations import ACHIEVE

HANDLERS: dict[str, Handler] = {
    ACHIEVE.route: achieve.achieve,
    "POST /customers": customers.save,
    "GET /customers/{customerId}": customers.get,
    "GET /customers/{customerId}/details": customers.get_details,
    "PUT /customers/{customerId}/activate": customers.activate,
    "DELETE /customers/{customerId}": customers.delete,
    "POST /customers/{customerId}/delete": customers.delete,
    "POST /customers/{customerId}/tags": tags.attach,
    "DELETE /customers/{customerId}/tags": tags.detach,
    "GET /configurations/reward-campaigns": campaigns.list_campaigns,
    "GET /customers/{customerId}/balance": balance.get_balance,
    "GET /customers/{customerId}/reward-campaigns-progress": progress.get_progress,
    "GET /customers/{customerId}/activities": activities.list_activities,
    "GET /customers/{customerId}/activities/count": activities.count_activities,
}
"""By route: the operations that local mode carries out."""
