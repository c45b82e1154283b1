"""The fields of customers, activities and campaigns as the platform publishes them."""

from __future__ import annotations

from tests.support.public_api import names

EMAIL, MOBILE = "ann@shop.example.org", "+201001234567"
OPEN = names("""gender country city zip custom tags source utMs utms devices paymentMethods totalSpent lastOrderDate
    totalOrders""")
PRIVATE = names("""displayName firstName lastName email mobile dateOfBirth joinDate preferredLanguage avgOrderAmount
    channel""")
CUSTOMER = names("gameballId customerId customerAttributes isReferred")
BALANCE = names("""totalPointsBalance totalPointsValue availablePointsBalance availablePointsValue pendingPoints
    pendingPointsValue currency pointsName nextExpiringPointsAmount nextExpiringPointsValue
    totalEarnedPoints avaliablePointsBalance avaliablePointsValue totalEarnedPendingPoints""")
ACTIVITY = names("""activityId activityType activityDay activityDate activityTime customerId email phoneNumber displayName
    transactionId isManualActivity points score reason calculatedRedemption actualRedemption familyRedemptionAmount
    familyRedemptionPoints paymentRewardAmount outstandingPoints rewardThreshold currency redemptionRewardFactor
    campaignName campaignStartDate campaignEndDate campaignEnabled tierName rewardPoints rewardFactor isGuest couponUsed
    couponType couponCode couponGroup couponProduct couponProductId productVariantName""")
CAMPAIGN = names("""id name description isRepeatable maxAchievement type visibility icon redirectionButtonText
    redirectionButtonLink activation rewards""")
PROGRESS = names("""rewardsCampaignName rewardsCampaignId isUnlocked highScoreAmount currentStreak highestStreak
    completionPercentage achievedCount canAchieve rewardCampaignConfiguration""")
ATTRIBUTES = {
    "displayName": "Ann A.",
    "firstName": "Ann",
    "gender": "F",
    "city": "Cairo",
    "totalSpent": 12.5,
    "totalOrders": 3,
    "utms": [{"source": "x"}],
    "custom": {"color": "red"},
}
